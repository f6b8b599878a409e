// Package emptygit serves one Git repository that has next to nothing in it,
// to be cloned over smart HTTP.
//
// A pack's marketplace has an entry that only depends on the others. The client
// wants a repository for it too, at a commit; this is that repository. It is
// the same for ever and for every hub, so it is made here of three objects, and
// the part of Git's protocol that hands out three known objects is small: the
// answer to "what have you got" and the answer to "give it to me". Both
// versions of the protocol that clients speak are known (0 and 2).
package emptygit

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	readme = "# Nothing here\n\nA pack of PlugPack installs its plugins as dependencies of an entry that needs a repository of its own.\nThis is that repository: it holds this text and nothing else.\n"
	// The commit must never change: its id is in every pack.
	person  = "PlugPack <packs@plugpack.invalid> 1767225600 +0000"
	branch  = "refs/heads/main"
	maxBody = 64 << 10
)

// Kinds of objects in a pack file.
const (
	kindCommit = 1
	kindTree   = 2
	kindBlob   = 3
)

type object struct {
	kind int
	data []byte
}

func (o object) id() [20]byte {
	name := map[int]string{kindCommit: "commit", kindTree: "tree", kindBlob: "blob"}[o.kind]
	return sha1.Sum(append(fmt.Appendf(nil, "%s %d\x00", name, len(o.data)), o.data...))
}

// Commit is the id of the repository's only commit.
var Commit string

var pack []byte

func init() {
	blob := object{kindBlob, []byte(readme)}
	blobID := blob.id()
	tree := object{kindTree, append([]byte("100644 README.md\x00"), blobID[:]...)}
	treeID := tree.id()
	commit := object{kindCommit, fmt.Appendf(nil, "tree %s\nauthor %s\ncommitter %s\n\nNothing\n", hex.EncodeToString(treeID[:]), person, person)}
	commitID := commit.id()
	Commit = hex.EncodeToString(commitID[:])
	pack = packFile(commit, tree, blob)
}

// packFile writes the objects as a pack, version 2.
func packFile(objects ...object) []byte {
	var b bytes.Buffer
	b.WriteString("PACK")
	_ = binary.Write(&b, binary.BigEndian, []uint32{2, uint32(len(objects))})
	for _, o := range objects {
		size := len(o.data)
		first := byte(o.kind<<4) | byte(size&15)
		for size >>= 4; size > 0; size >>= 7 {
			b.WriteByte(first | 0x80)
			first = byte(size & 0x7f)
		}
		b.WriteByte(first)
		z := zlib.NewWriter(&b) // a buffer takes everything
		_, _ = z.Write(o.data)
		_ = z.Close()
	}
	sum := sha1.Sum(b.Bytes())
	return append(b.Bytes(), sum[:]...)
}

// Handler answers below the repository's address, such as /api/git/empty.git.
func Handler(at string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+at+"/info/refs", refs)
	mux.HandleFunc("POST "+at+"/git-upload-pack", uploadPack)
	return mux
}

// refs tells what there is. Version 2 only says what can be asked.
func refs(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("service") != "git-upload-pack" {
		http.Error(w, "this repository can only be fetched, by a client that speaks smart HTTP", http.StatusForbidden)
		return
	}
	begin(w, "application/x-git-upload-pack-advertisement")
	var b lines
	b.line("# service=git-upload-pack\n")
	b.flush()
	if version2(r) {
		b.line("version 2\n")
		b.line("agent=plugpack\n")
		b.line("ls-refs\n")
		b.line("fetch=shallow filter\n")
		b.line("object-format=sha1\n")
	} else {
		b.line(Commit + " HEAD\x00shallow filter no-progress allow-tip-sha1-in-want symref=HEAD:" + branch + " object-format=sha1 agent=plugpack\n")
		b.line(Commit + " " + branch + "\n")
	}
	b.flush()
	_, _ = w.Write(b.Bytes())
}

func uploadPack(w http.ResponseWriter, r *http.Request) {
	asked, err := requestLines(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	begin(w, "application/x-git-upload-pack-result")
	var b lines
	switch {
	case !version2(r):
		fetch0(&b, asked)
	case has(asked, "command=ls-refs"):
		b.line(Commit + " HEAD symref-target:" + branch + "\n")
		b.line(Commit + " " + branch + "\n")
		b.flush()
	case has(asked, "command=fetch"):
		fetch2(&b, asked)
	default:
		b.line("ERR this repository knows ls-refs and fetch\n")
	}
	_, _ = w.Write(b.Bytes())
}

// fetch2 answers the fetch of version 2. A client that is not done yet is told
// to go on without more talk: there is nothing to negotiate about. A commit
// without parents is never shallow.
func fetch2(b *lines, asked []string) {
	if !wantsKnown(b, asked) {
		return
	}
	if !has(asked, "done") {
		b.line("acknowledgments\n")
		b.line("NAK\n")
		b.line("ready\n")
		b.raw("0001")
	}
	b.line("packfile\n")
	for rest := pack; len(rest) > 0; {
		part := rest[:min(len(rest), 8000)]
		b.line("\x01" + string(part)) // the first band of three carries data
		rest = rest[len(part):]
	}
	b.flush()
}

// fetch0 answers the fetch of version 0, where a shallow clone is told first
// which commits are cut, and the pack follows as it is.
func fetch0(b *lines, asked []string) {
	if !wantsKnown(b, asked) {
		return
	}
	if has(asked, "deepen") {
		b.flush()
	}
	if !has(asked, "deepen") || has(asked, "done") {
		b.line("NAK\n")
		b.raw(string(pack))
	}
}

// wantsKnown refuses what this repository does not have.
func wantsKnown(b *lines, asked []string) bool {
	for _, l := range asked {
		if id, ok := strings.CutPrefix(l, "want "); ok && !strings.HasPrefix(id, Commit) {
			b.line("ERR upload-pack: not our ref " + id[:min(len(id), 40)] + "\n")
			return false
		}
	}
	return true
}

func begin(w http.ResponseWriter, contentType string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-cache")
}

func version2(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Git-Protocol"), "version=2")
}

func has(asked []string, prefix string) bool {
	for _, l := range asked {
		if strings.HasPrefix(l, prefix) {
			return true
		}
	}
	return false
}

// requestLines reads a request's lines without their ends.
func requestLines(r *http.Request) (all []string, err error) {
	body := io.LimitReader(r.Body, maxBody)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, fmt.Errorf("the request is not compressed as it says")
		}
		body = io.LimitReader(z, maxBody)
	}
	for {
		var head [4]byte
		if _, err := io.ReadFull(body, head[:]); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("the request breaks off")
		}
		var n uint16
		if b, err := hex.DecodeString(string(head[:])); err != nil {
			return nil, fmt.Errorf("a line's length is no number")
		} else {
			n = binary.BigEndian.Uint16(b)
		}
		if n < 4 { // flush, delimiter, end
			continue
		}
		line := make([]byte, n-4)
		if _, err := io.ReadFull(body, line); err != nil {
			return nil, fmt.Errorf("the request breaks off")
		}
		all = append(all, strings.TrimSuffix(string(line), "\n"))
	}
}

// lines are Git's packet lines: each begins with its length.
type lines struct{ bytes.Buffer }

func (l *lines) line(text string) { fmt.Fprintf(l, "%04x%s", len(text)+4, text) }
func (l *lines) flush()           { l.raw("0000") }
func (l *lines) raw(text string)  { l.WriteString(text) }
