module github.com/plugpack/plugpack/tools

go 1.26.0
