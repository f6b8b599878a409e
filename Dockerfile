# The image of one service:
#
#   docker build --build-arg SERVICE=catalog -t plugpack/catalog .
#
# Go's caches are in layers and not in cache mounts: Railway refuses a mount
# whose id does not name the one service that builds, and four build from here.
FROM golang:1.26-bookworm AS build
ARG SERVICE
RUN case "$SERVICE" in \
      gateway|catalog|scraper|indexer) ;; \
      *) echo "build argument SERVICE is '$SERVICE': want gateway, catalog, scraper or indexer" >&2; exit 1 ;; \
    esac
# A service is built from its own module, as go.work names folders that are not
# here. Without cgo the program is static and runs on an image without libc.
ENV GOWORK=off CGO_ENABLED=0

# Dependencies change less often than code, so they have layers of their own.
WORKDIR /src
COPY libs/go.mod libs/go.sum libs/
COPY migrations/go.mod migrations/go.sum migrations/
COPY services/${SERVICE}/go.mod services/${SERVICE}/go.sum services/${SERVICE}/
WORKDIR /src/services/${SERVICE}
RUN go mod download

COPY libs /src/libs
COPY migrations /src/migrations
COPY services/${SERVICE} ./
# The deploy workflow writes the commit here. Railway sets the other one when it
# builds from a connected repository.
ARG VERSION=dev
ARG RAILWAY_GIT_COMMIT_SHA
RUN go build -trimpath \
      -ldflags "-s -w -X github.com/plugpack/plugpack/libs/service.Version=${RAILWAY_GIT_COMMIT_SHA:-$VERSION}" \
      -o /out/service "./cmd/$SERVICE"

# Certificates, time zones, /tmp and a user; no shell, so commands are lists.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/service /app/service
ENV PORT=8000
EXPOSE 8000
ENTRYPOINT ["/app/service"]
