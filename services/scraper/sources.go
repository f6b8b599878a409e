package scraper

import (
	"os"
	"regexp"
	"strings"

	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
)

// knownSources are scanned when no file names others.
var knownSources = []string{"anthropics/claude-plugins-official", "anthropics/claude-code", "wshobson/agents"}

// sources are what the sources file says.
type sources struct {
	keys        []plugpack.MarketplaceKey
	servers     []github.Server
	credentials []github.Credential
}

// readSources reads the sources file, one a line:
//
//	owner/repo                                       at GitHub
//	owner/repo token=ENV_NAME                        with a token of its own
//	https://git.example.com/owner/repo               at a GitHub Enterprise server
//	server https://git.example.com/api/v3/ token=ENV_NAME
//	./folder
//
// A token is never in the file: ENV_NAME is the variable that holds it. A server
// needs a line only for its token or where its API has another address.
func readSources(file string, getenv func(string) string) (sources, error) {
	lines := knownSources
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return sources{}, errs.New(errs.Invalid, "PLUGPACK_SOURCES: want a file that can be read: %w", err)
		}
		lines = strings.Split(string(b), "\n")
	}
	var s sources
	for i, line := range lines {
		line, _, _ = strings.Cut(line, "#")
		if err := s.add(strings.TrimSpace(line), getenv); err != nil {
			return sources{}, errs.New(errs.Invalid, "PLUGPACK_SOURCES: line %d of %s: %w", i+1, file, err)
		}
	}
	s.addServers()
	return s, nil
}

// add takes one line in.
func (s *sources) add(line string, getenv func(string) string) error {
	if tokenText.MatchString(line) {
		return errs.New(errs.Invalid, "this line holds what looks like a token: put it into a variable and write token=ITS_NAME, and revoke the token if others could read the file")
	}
	text, variable, hasToken := cutToken(line)
	token := ""
	if hasToken {
		if !variableName.MatchString(variable) {
			return errs.New(errs.Invalid, "want the name of a variable after token=, in capitals such as ACME_TOKEN, never the token itself")
		}
		if token = getenv(variable); token == "" {
			return errs.New(errs.Invalid, "%s is not set: want the token for this line in it", variable)
		}
	}
	if address, is := strings.CutPrefix(text, "server "); is {
		return s.addServer(strings.TrimSpace(address), token, variable)
	}
	if text == "" && !hasToken {
		return nil
	}
	k, err := plugpack.ParseMarketplace(text, github.PublicHost)
	if err != nil {
		return err
	}
	if k.Local() && hasToken {
		return errs.New(errs.Invalid, "a folder needs no token")
	}
	if hasToken {
		s.credentials = append(s.credentials, github.Credential{Marketplace: k, Token: token, TokenName: variable})
	}
	// A host that is written without https:// may be one that the usual API
	// stands for.
	if strings.HasPrefix(text, "https://") && k.Host() != github.PublicHost {
		s.servers = append(s.servers, github.Server{Host: k.Host(), Options: github.Options{BaseURL: github.EnterpriseAPI(k.Host())}})
	}
	s.keys = append(s.keys, k)
	return nil
}

func (s *sources) addServer(address, token, variable string) error {
	var u config.URL
	if strings.Contains(address, "@") || u.UnmarshalText([]byte(address)) != nil {
		return errs.New(errs.Invalid, "want the address of a server's API after server, such as https://git.example.com/api/v3/")
	}
	host, err := github.HostOf(address)
	if err != nil {
		return err
	}
	// A server that is named comes before one that only a repository's address
	// tells of.
	s.servers = append([]github.Server{{Host: host, Options: github.Options{BaseURL: address, Token: token, TokenName: variable}}}, s.servers...)
	return nil
}

// addServers drops what is there twice.
func (s *sources) addServers() {
	seen, hosts := map[plugpack.MarketplaceKey]bool{}, map[string]bool{}
	var keys []plugpack.MarketplaceKey
	for _, k := range s.keys {
		if !seen[k] {
			seen[k], keys = true, append(keys, k)
		}
	}
	var servers []github.Server
	for _, sv := range s.servers {
		if !hosts[sv.Host] {
			hosts[sv.Host], servers = true, append(servers, sv)
		}
	}
	s.keys, s.servers = keys, servers
}

var (
	variableName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,99}$`)
	// tokenText is what GitHub's tokens look like, old and new.
	tokenText = regexp.MustCompile(`(?i)\b(gh[a-z]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,})|(^|[^0-9A-Za-z/.-])[0-9a-f]{40}($|[^0-9A-Za-z/.-])|://[^/\s]*@`)
)

// cutToken takes token=NAME off the end of a line.
func cutToken(line string) (text, variable string, ok bool) {
	i := strings.LastIndex(line, "token=")
	if i < 0 || i > 0 && line[i-1] != ' ' && line[i-1] != '\t' {
		return line, "", false
	}
	return strings.TrimSpace(line[:i]), line[i+len("token="):], true
}
