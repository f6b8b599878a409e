package claudecode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Bounds of what is read.
const (
	maxFile = 1 << 20  // of a manifest or Markdown file; the client reads as much
	maxList = 16 << 20 // of a marketplace's file
)

var mark = []byte("\ufeff")

// decode reads one JSON value the way the client does: no comments, no trailing
// commas, no mark at the beginning, nothing after it; the last of two equal keys
// wins.
func decode(b []byte) (any, error) {
	if bytes.HasPrefix(b, mark) {
		return nil, errors.New("begins with a byte order mark; save it as plain UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, notJSON(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("has something after its end; remove that")
	}
	return v, nil
}

func notJSON(err error) error {
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("is not JSON at byte %d; mend it there", s.Offset)
	}
	return errors.New("is not JSON; it is empty or ends too early")
}

// DecodeObject reads a JSON object as strictly as the client; the error is a
// phrase about the file.
func DecodeObject(b []byte) (map[string]any, error) {
	v, err := decode(b)
	if err != nil {
		return nil, err
	}
	o, ok := v.(object)
	if !ok {
		return nil, errors.New("is not a JSON object")
	}
	return o, nil
}

// decodeObject gives nil where the value is none.
func decodeObject(b []byte) object {
	v, err := decode(b)
	o, ok := v.(object)
	if err != nil || !ok {
		return nil
	}
	return o
}

var errNoFile = errors.New("no such file")

// read gives a regular file's content, of at most limit bytes.
func read(fsys fs.FS, name string, limit int64) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, errNoFile
	}
	// Asked before it is opened: opening a pipe in a local folder would hang.
	info, err := fs.Stat(fsys, name)
	switch {
	case err != nil:
		return nil, errNoFile
	case !info.Mode().IsRegular():
		return nil, errors.New("is no regular file")
	case info.Size() > limit:
		return nil, fmt.Errorf("is larger than %d KiB", limit>>10)
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, errNoFile
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

func exists(fsys fs.FS, name string) bool {
	_, err := fs.Stat(fsys, name)
	return fs.ValidPath(name) && err == nil
}

func isDir(fsys fs.FS, name string) bool {
	info, err := fs.Stat(fsys, name)
	return fs.ValidPath(name) && err == nil && info.IsDir()
}

func isFile(fsys fs.FS, name string) bool {
	info, err := fs.Stat(fsys, name)
	return fs.ValidPath(name) && err == nil && info.Mode().IsRegular()
}
