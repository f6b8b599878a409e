package github

import (
	"context"
	"net/url"
	"strconv"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/plugpack/plugpack/libs/errs"
)

// Bounds of a search.
const (
	// PageSize is how many results a page of a search has.
	PageSize = 100
	// MaxResults is how many results of a search GitHub gives, however many
	// there are.
	MaxResults = 1000
	// searchTries bounds the tries of a page that GitHub cannot answer.
	searchTries = 4
)

// Page is one page of a search.
type Page struct {
	// Total is how many results GitHub counts for the whole search.
	Total int
	// Incomplete says that GitHub gave up before it had looked everywhere.
	Incomplete bool
	Hits       []Hit
	// Unusable is how many more results the page has: private repositories, and
	// what is no repository.
	Unusable int
}

// Hit is one result.
type Hit struct {
	ID   int64  // of the repository
	Repo string // "owner/repo"
	Path string // of the file; "" in a search for repositories
}

// SearchCode gives a page, from 1, of the files on default branches that fit
// the query. It waits for the limit of code searches, and tries again what
// GitHub could not answer.
func (c *Client) SearchCode(ctx context.Context, query string, page int) (Page, error) {
	return c.searchPage(ctx, codeSearch, "search/code", query, page, func() (any, func() Page) {
		var answer gh.CodeSearchResult
		return &answer, func() Page {
			p := Page{Total: answer.GetTotal(), Incomplete: answer.GetIncompleteResults()}
			for _, r := range answer.CodeResults {
				p.add(r.GetRepository(), r.GetPath())
			}
			return p
		}
	})
}

// SearchRepositories gives a page, from 1, of the repositories that fit the
// query.
func (c *Client) SearchRepositories(ctx context.Context, query string, page int) (Page, error) {
	return c.searchPage(ctx, search, "search/repositories", query, page, func() (any, func() Page) {
		var answer gh.RepositoriesSearchResult
		return &answer, func() Page {
			p := Page{Total: answer.GetTotal(), Incomplete: answer.GetIncompleteResults()}
			for _, r := range answer.Repositories {
				p.add(r, "")
			}
			return p
		}
	})
}

func (p *Page) add(r *gh.Repository, path string) {
	if len(p.Hits) < PageSize && r.GetID() > 0 && !r.GetPrivate() && repoName.MatchString(r.GetFullName()) {
		p.Hits = append(p.Hits, Hit{ID: r.GetID(), Repo: r.GetFullName(), Path: path})
	} else if p.Unusable < PageSize {
		p.Unusable++
	}
}

// searchPage asks until there is a complete answer. An answer that stays
// incomplete is better than none.
func (c *Client) searchPage(ctx context.Context, r resource, path, query string, page int, form func() (any, func() Page)) (Page, error) {
	address := path + "?" + url.Values{"q": {query}, "per_page": {strconv.Itoa(PageSize)}, "page": {strconv.Itoa(page)}}.Encode()
	var best *Page
	for try := 1; ; {
		answer, read := form()
		err := c.searchOnce(ctx, r, address, answer)
		if errs.KindOf(err) == errs.TooMany {
			if err := c.wait(ctx, errs.RetryAfter(err)); err != nil {
				return Page{}, err
			}
			continue
		}
		if err == nil {
			if p := read(); best == nil || !p.Incomplete || len(p.Hits) > len(best.Hits) {
				best = &p
			}
		}
		retry := errs.KindOf(err) == errs.Unavailable || errs.KindOf(err) == errs.Invalid || err == nil && best.Incomplete
		if !retry || try >= searchTries {
			if best != nil {
				return *best, nil
			}
			return Page{}, err
		}
		if err := c.wait(ctx, time.Second<<try); err != nil {
			return Page{}, err
		}
		try++
	}
}

func (c *Client) searchOnce(ctx context.Context, r resource, address string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	req, err := c.request(address, "application/vnd.github+json", "")
	if err != nil {
		return err
	}
	_, err = c.do(ctx, req, question{r, "a search"}, jsonInto(answer))
	return err
}
