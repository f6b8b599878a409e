package marketplace

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// OwnersFile is the file by which a repository says whose it is besides its
// owner's: one GitHub login a line, # begins a remark.
const OwnersFile = ".plugpack-owners"

const maxOwners = 20

var login = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){0,38}$`)

// Owners gives the logins, in small letters, that the repository's file names.
func Owners(fsys fs.FS) []string {
	b, err := readFile(fsys, OwnersFile, 16<<10)
	if err != nil {
		return nil
	}
	var owners []string
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		name := strings.ToLower(strings.TrimPrefix(strings.TrimSpace(line), "@"))
		if login.MatchString(name) && !slices.Contains(owners, name) && len(owners) < maxOwners {
			owners = append(owners, name)
		}
	}
	return owners
}
