package main

import (
	"bytes"
	"embed"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed all:sample
var sampleFiles embed.FS

// copyFS writes the files below root into dir; what is there already and equal
// is left alone, so an unchanged sample is not scanned again.
func copyFS(dir string, files fs.FS, root string) error {
	return fs.WalkDir(files, root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, filepath.FromSlash(path))
		if err != nil {
			return err
		}
		to := filepath.Join(dir, relative)
		if old, err := os.ReadFile(to); err == nil && bytes.Equal(old, content) {
			return nil
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.WriteFile(to, content, 0o644)
	})
}
