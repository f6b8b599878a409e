module github.com/plugpack/plugpack/services/gateway

go 1.26.0
