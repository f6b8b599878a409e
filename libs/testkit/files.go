package testkit

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// FileServer serves files over HTTP with ETags and answers conditional requests
// with 304. With its methods for packages it is an npm registry.
type FileServer struct {
	// URL is the base address, without a trailing slash.
	URL string

	mu       sync.Mutex
	files    map[string][]byte
	packages map[string]*npmPackage
	answers  map[string]FileAnswer
	log      []string
}

// FileAnswer is what a path answers instead of a file.
type FileAnswer struct {
	Status int
	Header http.Header
}

type npmPackage struct {
	Name     string                `json:"name"`
	Tags     map[string]string     `json:"dist-tags"`
	Versions map[string]npmRelease `json:"versions"`
}

type npmRelease struct {
	Name    string  `json:"name"`
	Version string  `json:"version"`
	Dist    npmDist `json:"dist"`
}

type npmDist struct {
	Tarball   string `json:"tarball"`
	Integrity string `json:"integrity"`
}

// Files starts a server without files.
func Files(t testing.TB) *FileServer {
	t.Helper()
	f := &FileServer{files: map[string][]byte{}, packages: map[string]*npmPackage{}, answers: map[string]FileAnswer{}}
	s := httptest.NewServer(f)
	f.URL = s.URL
	t.Cleanup(s.Close)
	return f
}

// Put serves b at path, and gives its address.
func (f *FileServer) Put(path string, b []byte) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files[path] = b
	return f.URL + path
}

// Answer answers with a instead of a file.
func (f *FileServer) Answer(path string, a FileAnswer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[path] = a
}

// Publish makes version the latest of the npm package name.
func (f *FileServer) Publish(name, version string, files map[string]string) {
	b := NPMTarball(files)
	sum := sha512.Sum512(b)
	at := "/" + name + "/-/" + version + ".tgz"
	f.Put(at, b)
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.packages[name]
	if p == nil {
		p = &npmPackage{Name: name, Tags: map[string]string{}, Versions: map[string]npmRelease{}}
		f.packages[name] = p
	}
	p.Tags["latest"] = version
	p.Versions[version] = npmRelease{name, version, npmDist{f.URL + at, "sha512-" + base64.StdEncoding.EncodeToString(sum[:])}}
	f.files["/"+name], _ = json.Marshal(p)
}

// Integrity changes what the registry says of a version's content.
func (f *FileServer) Integrity(name, version, integrity string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.packages[name].Versions[version]
	r.Dist.Integrity = integrity
	f.packages[name].Versions[version] = r
	f.files["/"+name], _ = json.Marshal(f.packages[name])
}

// Requests gives what was asked since the last call, as "path status".
func (f *FileServer) Requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	log := f.log
	f.log = nil
	return log
}

// ServeHTTP answers one request and logs it.
func (f *FileServer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.files[req.URL.Path]
	sum := sha1.Sum(b)
	etag := `"` + hex.EncodeToString(sum[:]) + `"`
	a, answered := f.answers[req.URL.Path]
	status := http.StatusOK
	switch {
	case answered:
		maps.Copy(w.Header(), a.Header)
		status, b = a.Status, nil
	case !ok:
		status = http.StatusNotFound
	case req.Header.Get("If-None-Match") == etag:
		status, b = http.StatusNotModified, nil
	}
	if ok && !answered {
		w.Header().Set("ETag", etag)
	}
	f.log = append(f.log, req.URL.Path+" "+http.StatusText(status))
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// NPMTarball packs files as npm does, below package/.
func NPMTarball(files map[string]string) []byte {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := tw.WriteHeader(&tar.Header{Name: "package/" + name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg})
		_, writeErr := tw.Write([]byte(files[name]))
		if err := errors.Join(err, writeErr); err != nil {
			panic(err) // writing to memory fails for a bad name only
		}
	}
	_ = errors.Join(tw.Close(), zw.Close())
	return b.Bytes()
}

// Zip packs files below top, "" for none.
func Zip(top string, files map[string]string) []byte {
	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := zw.Create(strings.TrimPrefix(top+"/"+name, "/"))
		if err == nil {
			_, err = w.Write([]byte(files[name]))
		}
		if err != nil {
			panic(err) // writing to memory does not fail
		}
	}
	_ = zw.Close()
	return b.Bytes()
}
