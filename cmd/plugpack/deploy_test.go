package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/services/catalog"
	"github.com/plugpack/plugpack/services/gateway"
	"github.com/plugpack/plugpack/services/indexer"
	"github.com/plugpack/plugpack/services/scraper"
)

// No container engine runs these tests, so they hold the files of the deploy
// against what the programs know of themselves: their config structs.

// program is the path of the program in every image.
const program = "/app/service"

// deployed makes an empty config of each service that has an image.
var deployed = map[string]func() any{
	"gateway": func() any { return new(gateway.Config) },
	"catalog": func() any { return new(catalog.Config) },
	"scraper": func() any { return new(scraper.Config) },
	"indexer": func() any { return new(indexer.Config) },
}

func serviceNames() []string { return slices.Sorted(maps.Keys(deployed)) }

// inRepo gives the path of a file of the repository.
func inRepo(name string) string { return filepath.Join("..", "..", filepath.FromSlash(name)) }

func readRepo(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(inRepo(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func existsInRepo(name string) bool {
	_, err := os.Stat(inRepo(name))
	return err == nil
}

// checkVariables wants every given name known to the service, and every
// variable given that it requires.
func checkVariables(t *testing.T, cfg any, given []string) {
	t.Helper()
	var known []string
	for _, v := range config.Describe(cfg) {
		known = append(known, v.Name)
		if v.Required && !slices.Contains(given, v.Name) {
			t.Errorf("%s is required and not set", v.Name)
		}
	}
	for _, name := range given {
		if !slices.Contains(known, name) {
			t.Errorf("%s is set, but the service does not read it", name)
		}
	}
}

func defaultPort() string {
	for _, v := range config.Describe(service.Config{}) {
		if v.Name == "PORT" {
			return v.Default
		}
	}
	return ""
}

func TestDockerfile(t *testing.T) {
	t.Parallel()
	file := readRepo(t, "Dockerfile")
	wanted := []string{
		"\nARG SERVICE\n",
		"-X " + reflect.TypeFor[service.Process]().PkgPath() + ".Version=",
		"\nENV GOWORK=off CGO_ENABLED=0\n",
		":nonroot\n",
		"\nENV PORT=" + defaultPort() + "\n",
		"\nEXPOSE " + defaultPort() + "\n",
		"\nENTRYPOINT [\"" + program + "\"]\n",
		" /out/service " + program + "\n",
	}
	for _, w := range wanted {
		if !strings.Contains(file, w) {
			t.Errorf("%q is missing", w)
		}
	}
	if strings.Contains(file, "type=cache") {
		t.Error("Railway refuses a cache mount, as its id would have to name one service")
	}
	image := regexp.MustCompile(`FROM golang:(\d+\.\d+)-`).FindStringSubmatch(file)
	language := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(readRepo(t, "go.work"))
	if image == nil || image[1] != language[1] {
		t.Errorf("the image has Go %v, go.work wants %s", image, language[1])
	}
	for _, line := range regexp.MustCompile(`(?m)^COPY ([^-].*) \S+$`).FindAllStringSubmatch(file, -1) {
		for _, name := range serviceNames() {
			for path := range strings.FieldsSeq(strings.ReplaceAll(line[1], "${SERVICE}", name)) {
				top, _, _ := strings.Cut(path, "/")
				if !existsInRepo(path) || !strings.Contains(readRepo(t, ".dockerignore"), "\n!"+top+"\n") {
					t.Errorf("COPY %s: it is not there or is left out by .dockerignore", path)
				}
			}
		}
	}
	for _, name := range serviceNames() {
		if !existsInRepo("services/" + name + "/cmd/" + name) {
			t.Errorf("there is no command of %s to build", name)
		}
	}
}

func TestDockerfileRefusesUnknownService(t *testing.T) {
	t.Parallel()
	check := regexp.MustCompile(`(?s)\nRUN (case "\$SERVICE" .*?esac)\n`).FindStringSubmatch(readRepo(t, "Dockerfile"))
	if check == nil {
		t.Fatal("nothing checks SERVICE")
	}
	try := func(name string) (output string, err error) {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", check[1])
		cmd.Env = []string{"SERVICE=" + name}
		b, err := cmd.CombinedOutput()
		return string(b), err
	}
	for _, name := range serviceNames() {
		if out, err := try(name); err != nil {
			t.Errorf("%s is refused: %s", name, out)
		}
	}
	for _, name := range []string{"", "nobody"} {
		out, err := try(name)
		if err == nil || strings.Count(out, "\n") != 1 || !strings.Contains(out, "SERVICE is '"+name+"'") {
			t.Errorf("SERVICE=%q gives %q, %v, want one line that names it and a failure", name, out, err)
		}
	}
}

// composeFile is the part of docker-compose.yml that is checked.
type composeFile struct {
	Services map[string]struct {
		Image string
		Build struct {
			Context string
			Args    map[string]string
		}
		Environment map[string]*string // nil: handed on if set
		Ports       []string
		Volumes     []string
		Healthcheck struct{ Test []string }
		DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	}
	Volumes map[string]any
}

// mounted name files, which have to be put into the container too.
var mounted = []string{"PLUGPACK_SOURCES", "PLUGPACK_OPT_OUT"}

func readCompose(t *testing.T) composeFile {
	t.Helper()
	var c composeFile
	if err := yaml.Unmarshal([]byte(readRepo(t, "docker-compose.yml")), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

var interpolation = regexp.MustCompile(`\$\{[A-Z_]+:-([^}]*)\}`)

// interpolate gives the value where nothing is set in the environment.
func interpolate(value string) string { return interpolation.ReplaceAllString(value, "$1") }

func TestComposeServices(t *testing.T) {
	t.Parallel()
	compose := readCompose(t)
	for _, name := range serviceNames() {
		t.Run(name, func(t *testing.T) {
			s, ok := compose.Services[name]
			if !ok {
				t.Fatal("it is not in docker-compose.yml")
			}
			if s.Build.Context != "." || !maps.Equal(s.Build.Args, map[string]string{"SERVICE": name}) {
				t.Errorf("it builds %q with %v", s.Build.Context, s.Build.Args)
			}
			if want := []string{"CMD", program, "health"}; !slices.Equal(s.Healthcheck.Test, want) {
				t.Errorf("its health check is %q, want %q", s.Healthcheck.Test, want)
			}
			cfg := deployed[name]()
			checkVariables(t, cfg, slices.Collect(maps.Keys(s.Environment)))
			for _, v := range config.Describe(cfg) {
				if _, given := s.Environment[v.Name]; !given && !slices.Contains(mounted, v.Name) {
					t.Errorf("%s is not handed on", v.Name)
				}
			}
			var environ []string
			for variable, value := range s.Environment {
				if value != nil {
					environ = append(environ, variable+"="+interpolate(*value))
				}
			}
			if err := config.LoadFrom(cfg, environ); err != nil {
				t.Errorf("it would not start: %v", err)
			}
			if port := s.Environment["PORT"]; port == nil || *port != defaultPort() {
				t.Errorf("PORT is not %s, which the image exposes", defaultPort())
			}
			if public := len(s.Ports) > 0; public != (name == "gateway") {
				t.Errorf("it publishes %q; only the gateway is public", s.Ports)
			}
			for _, p := range s.Ports {
				if !strings.HasSuffix(interpolate(p), ":"+defaultPort()) {
					t.Errorf("%q leads to another port than %s", p, defaultPort())
				}
			}
		})
	}
}

// serverPorts are the ports of the images that compose runs as they are.
var serverPorts = map[string]string{"postgres": "5432", "redis": "6379", "nats": "4222", "meilisearch": "7700"}

func TestComposeDependencies(t *testing.T) {
	t.Parallel()
	compose := readCompose(t)
	for _, name := range serviceNames() {
		var needs []string
		for variable, value := range compose.Services[name].Environment {
			if value == nil || !strings.HasSuffix(variable, "_URL") {
				continue
			}
			u, err := url.Parse(interpolate(*value))
			if err != nil {
				t.Errorf("%s of %s: %v", variable, name, err)
				continue
			}
			needs = append(needs, u.Hostname())
			port := serverPorts[u.Hostname()]
			if deployed[u.Hostname()] != nil {
				port = defaultPort()
			}
			if u.Port() != port {
				t.Errorf("%s of %s leads to port %s, but %q listens on %q", variable, name, u.Port(), u.Hostname(), port)
			}
		}
		depends := compose.Services[name].DependsOn
		slices.Sort(needs)
		if waits := slices.Sorted(maps.Keys(depends)); !slices.Equal(waits, needs) {
			t.Errorf("%s waits for %q, its addresses name %q", name, waits, needs)
		}
		for on, d := range depends {
			if d.Condition != "service_healthy" || len(compose.Services[on].Healthcheck.Test) == 0 {
				t.Errorf("%s does not wait until %s is healthy", name, on)
			}
		}
	}
}

func TestComposeServers(t *testing.T) {
	t.Parallel()
	compose := readCompose(t)
	for name := range serverPorts {
		s := compose.Services[name]
		if !regexp.MustCompile(`^[a-z/]+:v?\d`).MatchString(s.Image) || len(s.Ports) > 0 {
			t.Errorf("%s has image %q and ports %q, want a pinned image and no port", name, s.Image, s.Ports)
		}
		if len(s.Volumes) != 1 {
			t.Errorf("%s has volumes %q, want one", name, s.Volumes)
		}
		for _, v := range s.Volumes {
			volume, _, _ := strings.Cut(v, ":")
			if _, ok := compose.Volumes[volume]; !ok {
				t.Errorf("%s: volume %s is not declared", name, volume)
			}
		}
	}
	db, _ := url.Parse(interpolate(*compose.Services["catalog"].Environment["DATABASE_URL"]))
	password, _ := db.User.Password()
	for variable, want := range map[string]string{
		"POSTGRES_USER": db.User.Username(), "POSTGRES_PASSWORD": password, "POSTGRES_DB": strings.Trim(db.Path, "/"),
	} {
		if got := interpolate(*compose.Services["postgres"].Environment[variable]); got != want {
			t.Errorf("%s is %q, the catalog uses %q", variable, got, want)
		}
	}
	key := interpolate(*compose.Services["meilisearch"].Environment["MEILI_MASTER_KEY"])
	if got := interpolate(*compose.Services["indexer"].Environment["MEILISEARCH_API_KEY"]); got != key || len(key) < 16 {
		t.Errorf("the indexer's key is %q, Meilisearch's %q, want the same with 16 characters or more", got, key)
	}
}

// railwayFile has the fields that we use of Railway's config as code, as
// docs.railway.com/config-as-code/reference names and types them. (The seconds
// are numbers, though examples there quote them: railwayapp/docs#1243.)
type railwayFile struct {
	Schema string `json:"$schema"`
	Build  struct {
		Builder        string   `json:"builder"` // RAILPACK, DOCKERFILE, NIXPACKS
		DockerfilePath string   `json:"dockerfilePath"`
		WatchPatterns  []string `json:"watchPatterns"`
	} `json:"build"`
	Deploy struct {
		PreDeployCommand        []string `json:"preDeployCommand"`
		NumReplicas             int      `json:"numReplicas"`
		HealthcheckPath         string   `json:"healthcheckPath"`
		HealthcheckTimeout      int      `json:"healthcheckTimeout"`
		RestartPolicyType       string   `json:"restartPolicyType"` // ON_FAILURE, ALWAYS, NEVER
		RestartPolicyMaxRetries int      `json:"restartPolicyMaxRetries"`
		DrainingSeconds         int      `json:"drainingSeconds"`
	} `json:"deploy"`
}

func TestRailwayFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(inRepo("railway/*.json"))
	if err != nil || len(files) != len(deployed) {
		t.Errorf("railway has %q, %v, want one file a service", files, err)
	}
	for _, name := range serviceNames() {
		t.Run(name, func(t *testing.T) {
			path := "railway/" + name + ".json"
			var got, want railwayFile
			d := json.NewDecoder(bytes.NewBufferString(readRepo(t, path)))
			d.DisallowUnknownFields()
			if err := d.Decode(&got); err != nil {
				t.Fatal(err)
			}
			want.Schema = "https://railway.com/railway.schema.json"
			want.Build.Builder, want.Build.DockerfilePath = "DOCKERFILE", "Dockerfile"
			want.Deploy.HealthcheckPath, want.Deploy.HealthcheckTimeout = "/health", 120
			want.Deploy.RestartPolicyType, want.Deploy.RestartPolicyMaxRetries = "ON_FAILURE", 3
			want.Deploy.DrainingSeconds = 30 // longer than service.Serve drains
			watch := []string{"/services/" + name + "/**", "/libs/**", "/Dockerfile", "/.dockerignore", "/" + path}
			switch name {
			case "catalog":
				want.Deploy.PreDeployCommand = []string{program + " migrate"}
				watch = append(watch, "/migrations/**")
			case "indexer":
				want.Deploy.NumReplicas = 1
			}
			for _, w := range watch {
				if !slices.Contains(got.Build.WatchPatterns, w) {
					t.Errorf("it does not watch %s", w)
				}
			}
			for _, p := range got.Build.WatchPatterns {
				if !existsInRepo(strings.TrimSuffix(p, "/**")) {
					t.Errorf("it watches %s, which is not there", p)
				}
			}
			if !existsInRepo(got.Build.DockerfilePath) {
				t.Errorf("%s is not there", got.Build.DockerfilePath)
			}
			got.Build.WatchPatterns = nil
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestRailwayVariables(t *testing.T) {
	t.Parallel()
	text := readRepo(t, "railway/README.md")
	for _, name := range serviceNames() {
		t.Run(name, func(t *testing.T) {
			_, list, _ := strings.Cut(text, "\n### "+name+"\n\n```sh\n")
			list, _, ok := strings.Cut(list, "```")
			if !ok {
				t.Fatal("README.md lists no variables of it")
			}
			given := map[string]string{}
			for line := range strings.Lines(list) {
				variable, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				given[variable] = value
			}
			if given["SERVICE"] != name || given["PORT"] != defaultPort() || given["APP_ENV"] != "production" {
				t.Errorf("SERVICE=%s PORT=%s APP_ENV=%s", given["SERVICE"], given["PORT"], given["APP_ENV"])
			}
			delete(given, "SERVICE") // only the Dockerfile reads it
			checkVariables(t, deployed[name](), slices.Collect(maps.Keys(given)))
			if at, ok := given["CATALOG_URL"]; ok && !strings.HasSuffix(at, "{{catalog.RAILWAY_PRIVATE_DOMAIN}}:"+defaultPort()) {
				t.Errorf("CATALOG_URL is %s", at)
			}
		})
	}
}

// workflow is the part of a GitHub workflow that is checked.
type workflow struct {
	Permissions map[string]string
	Concurrency struct{ Group string }
	Jobs        map[string]struct {
		TimeoutMinutes int `yaml:"timeout-minutes"`
		Permissions    map[string]string
		Steps          []struct {
			Uses, Run string
			With, Env map[string]string
		}
	}
}

func TestWorkflows(t *testing.T) {
	t.Parallel()
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(readRepo(t, "Makefile"), -1) {
		targets[m[1]] = true
	}
	command := regexp.MustCompile(`(?m)\bmake ([a-z-]+)`)
	runs := map[string][]string{} // every command, by workflow
	for _, name := range []string{"ci", "deploy"} {
		var w workflow
		if err := yaml.Unmarshal([]byte(readRepo(t, ".github/workflows/"+name+".yml")), &w); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(w.Permissions, map[string]string{"contents": "read"}) || w.Concurrency.Group == "" {
			t.Errorf("%s may %v in group %q, want to read contents, in a group", name, w.Permissions, w.Concurrency.Group)
		}
		for job, j := range w.Jobs {
			if j.TimeoutMinutes == 0 || j.Permissions != nil {
				t.Errorf("%s.%s: want a timeout and no permissions of its own", name, job)
			}
			for _, s := range j.Steps {
				runs[name] = append(runs[name], s.Run)
				if s.Uses != "" && !regexp.MustCompile(`^actions/[a-z-]+@v\d+$`).MatchString(s.Uses) {
					t.Errorf("%s.%s uses %s, want GitHub's own by major version", name, job, s.Uses)
				}
				if strings.Contains(s.Uses, "setup-go@") && s.With["go-version-file"] != "go.work" {
					t.Errorf("%s.%s: its Go is not that of go.work", name, job)
				}
				for _, m := range command.FindAllStringSubmatch(s.Run, -1) {
					if !targets[m[1]] {
						t.Errorf("%s.%s runs make %s, which the Makefile does not have", name, job, m[1])
					}
				}
				if s.Run == "make test" && s.Env["RACE"] != "-race" {
					t.Errorf("%s.%s tests without the race detector", name, job)
				}
			}
		}
	}
	for _, want := range []string{"make check", "make test", "docker compose config --quiet", "docker compose build"} {
		if !slices.Contains(runs["ci"], want) {
			t.Errorf("ci does not run %q", want)
		}
	}
	checkDeploy(t, strings.Join(runs["deploy"], "\n"))
}

// checkDeploy wants every service deployed, the catalog before the gateway,
// and the version written where the Dockerfile has its default.
func checkDeploy(t *testing.T, script string) {
	t.Helper()
	order := regexp.MustCompile(`for service in ([a-z ]+); do`).FindStringSubmatch(script)
	if order == nil {
		t.Fatal("deploy goes through no services")
	}
	services := strings.Fields(order[1])
	if services[0] != "catalog" || !slices.Equal(slices.Sorted(slices.Values(services)), serviceNames()) {
		t.Errorf("deploy goes through %q, want every service, the catalog first", services)
	}
	replaced := regexp.MustCompile(`s/\^(ARG [^$]+)\$/`).FindStringSubmatch(script)
	if replaced == nil || !strings.Contains(readRepo(t, "Dockerfile"), fmt.Sprintf("\n%s\n", replaced[1])) {
		t.Errorf("deploy replaces %q, which the Dockerfile does not have", replaced)
	}
	if !strings.Contains(script, "$RAILWAY_URL/health") {
		t.Error("deploy does not look at /health")
	}
}
