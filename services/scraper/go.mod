module github.com/plugpack/plugpack/services/scraper

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/google/go-github/v60 v60.0.0
	github.com/google/uuid v1.6.0
	github.com/nats-io/nats.go v1.55.0
	github.com/plugpack/plugpack/libs v0.0.0
	go.yaml.in/yaml/v3 v3.0.6
	golang.org/x/sync v0.24.0
	golang.org/x/tools v0.51.0
)

replace github.com/plugpack/plugpack/libs => ../../libs
