module github.com/plugpack/plugpack/services/indexer

go 1.26.0
