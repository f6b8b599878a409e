package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"testing"
)

// FuzzUnpack takes the parts of an archive that a stranger chooses, so that
// every input is an archive.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte("t/a"), []byte("t/l"), []byte("../x"))
	f.Add([]byte("t/../a"), []byte("t/a/b"), []byte("/x"))
	f.Fuzz(func(t *testing.T, name, link, target []byte) {
		var b bytes.Buffer
		zw := gzip.NewWriter(&b)
		tw := tar.NewWriter(zw)
		_ = tw.WriteHeader(&tar.Header{Name: string(link), Linkname: string(target), Typeflag: tar.TypeSymlink})
		_ = tw.WriteHeader(&tar.Header{Name: string(name), Typeflag: tar.TypeReg, Size: 1})
		_, _ = tw.Write([]byte("x"))
		_ = errors.Join(tw.Close(), zw.Close())
		d, parent, err := unpack(t, b.Bytes(), DefaultLimits)
		check(t, d, parent, err, DefaultLimits)
	})
}

// FuzzUnpackStream takes a whole tar, which may be damaged anywhere.
func FuzzUnpackStream(f *testing.F) {
	for _, items := range [][]item{
		{{name: "pax_global_header", kind: tar.TypeXGlobalHeader}, {name: "t/a", text: "A"}, {name: "t/l", kind: tar.TypeSymlink, link: "a"}},
		{{name: "t/l", kind: tar.TypeSymlink, link: "../.."}, {name: "t/l/x", text: "X"}},
	} {
		zr, err := gzip.NewReader(bytes.NewReader(pack(f, items...)))
		if err != nil {
			f.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(zr); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	l := Limits{Compressed: 1 << 20, Total: 1 << 20, File: 1 << 18, Entries: 50, Ratio: 200, RatioFrom: 1 << 16}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var b bytes.Buffer
		zw, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		_, _ = zw.Write(raw)
		_ = zw.Close()
		d, parent, err := unpack(t, b.Bytes(), l)
		check(t, d, parent, err, l)
	})
}
