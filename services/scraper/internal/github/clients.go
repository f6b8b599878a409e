package github

import (
	"iter"
	"maps"
	"net/url"
	"strings"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/outbound"
)

// PublicHost is what a bare owner/repo means, wherever the API in use is.
const PublicHost = "github.com"

// Server is another GitHub than the usual one, such as a company's own.
type Server struct {
	Host    string // of its repositories' addresses
	Options Options
}

// Credential is the token for one repository, where it needs another than its
// host's.
type Credential struct {
	Marketplace plugpack.MarketplaceKey
	Token       string
	TokenName   string // the variable that holds it
}

// Clients are those for every GitHub that this scraper knows. Only hosts that
// its operator named are asked: a scan request cannot add one.
type Clients struct {
	usual *Client
	hosts map[string]*Client
	repos map[plugpack.MarketplaceKey]*Client
}

// NewClients makes them. Credentials with the same token at the same host share
// a client and so a limit, as they do at GitHub.
func NewClients(usual Options, servers []Server, credentials []Credential) (*Clients, error) {
	c := &Clients{hosts: map[string]*Client{}, repos: map[plugpack.MarketplaceKey]*Client{}}
	var err error
	if c.usual, err = New(usual); err != nil {
		return nil, err
	}
	options := map[string]Options{}
	for _, s := range servers {
		o := usual
		o.BaseURL, o.Token, o.TokenName = s.Options.BaseURL, s.Options.Token, s.Options.TokenName
		host := strings.ToLower(s.Host)
		options[host] = o
		if c.hosts[host], err = New(o); err != nil {
			return nil, err
		}
	}
	type account struct{ base, token string }
	made := map[account]*Client{}
	for _, cr := range credentials {
		o, ok := options[cr.Marketplace.Host()]
		if !ok {
			o = usual
		}
		o.Token, o.TokenName = cr.Token, cr.TokenName
		a := account{o.BaseURL, o.Token}
		if made[a] == nil {
			if made[a], err = New(o); err != nil {
				return nil, err
			}
		}
		c.repos[cr.Marketplace] = made[a]
	}
	c.share()
	return c, nil
}

// share makes the clients of one host one scraper to it.
func (c *Clients) share() {
	of := map[string]*slots{c.usual.base.Host: c.usual.slots}
	for _, clients := range []iter.Seq[*Client]{maps.Values(c.hosts), maps.Values(c.repos)} {
		for client := range clients {
			host := client.base.Host
			if of[host] == nil {
				of[host] = client.slots
			}
			client.slots = of[host]
		}
	}
}

// For gives the client that k's repository is asked with.
func (c *Clients) For(k plugpack.MarketplaceKey) *Client {
	if client := c.repos[k]; client != nil {
		return client
	}
	if client := c.hosts[k.Host()]; client != nil {
		return client
	}
	return c.usual
}

// Own gives the client with a token that the operator gave for k's repository or
// its server, nil if there is none. The usual token is nobody's own.
func (c *Clients) Own(k plugpack.MarketplaceKey) *Client {
	if client := c.repos[k]; client != nil {
		return client
	}
	if client := c.hosts[k.Host()]; client != nil && client.token != "" {
		return client
	}
	return nil
}

// Servers gives the clients of the other GitHubs, by the host of their
// repositories.
func (c *Clients) Servers() map[string]*Client { return maps.Clone(c.hosts) }

// Usual gives the client of GITHUB_API_URL.
func (c *Clients) Usual() *Client { return c.usual }

// UsualHost gives the host whose repositories the usual client knows: the public
// API and a look-alike on this machine stand for github.com, any other for
// itself.
func (c *Clients) UsualHost() string { return hostAt(c.usual.base) }

// HostOf gives the host whose repositories the API at address tells of.
func HostOf(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && !outbound.IsLoopback(u.Hostname()) {
		return "", errs.New(errs.Invalid, "want an https address of a server's API, such as https://git.example.com/api/v3/")
	}
	return strings.ToLower(u.Hostname()), nil
}

// EnterpriseAPI gives the address of a GitHub Enterprise server's API.
func EnterpriseAPI(host string) string {
	return (&url.URL{Scheme: "https", Host: host, Path: "/api/v3/"}).String()
}
