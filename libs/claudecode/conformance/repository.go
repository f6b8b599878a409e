package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// repository is what the corpus keeps of one.
type repository struct {
	Tree        [][]any
	Texts       map[string]string
	Links       map[string]string
	FrontMatter map[string][]string `json:"frontmatter"`
}

// writeRepository writes its files below dir: manifests and links as they are,
// other files as something short, Markdown under a block with the keys that it
// has. It gives the folders that the client can validate.
func writeRepository(file, dir string) (targets []string, err error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	unpacked, err := gzip.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	var r repository
	if err := json.NewDecoder(unpacked).Decode(&r); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	for _, entry := range r.Tree {
		name, _ := entry[0].(string)
		mode, _ := entry[1].(string)
		if kind, _ := entry[2].(string); kind != "blob" {
			continue
		}
		if err := r.write(dir, name, mode); err != nil {
			return nil, err
		}
		if base := path.Base(name); path.Base(path.Dir(name)) == ".claude-plugin" && (base == "plugin.json" || base == "marketplace.json") {
			targets = append(targets, path.Dir(path.Dir(name)))
		}
	}
	return targets, nil
}

func (r repository) write(dir, name, mode string) error {
	at := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	if target, ok := r.Links[name]; ok || mode == "120000" {
		return os.Symlink(target, at)
	}
	text, ok := r.Texts[name]
	if !ok {
		text = "made up\n"
		if keys, ok := r.FrontMatter[name]; ok && strings.HasSuffix(strings.ToLower(name), ".md") {
			text = "---\n" + strings.Join(keys, ": made up\n") + ": made up\n---\nmade up\n"
		}
	}
	return os.WriteFile(at, []byte(text), 0o644)
}
