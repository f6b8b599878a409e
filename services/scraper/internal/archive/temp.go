package archive

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// tempPrefix begins the name of every process's folder.
const tempPrefix = "plugpack-scraper-"

// Temp is this process's folder for unpacked archives.
type Temp struct {
	path string
	lock *os.File
}

// OpenTemp makes the process's folder under parent ("" for the system's
// temporary folder) and removes those of processes that were killed.
func OpenTemp(parent string) (*Temp, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	removeStale(parent)
	// It is locked before it gets the name that removeStale looks for.
	dir, err := os.MkdirTemp(parent, "new-"+tempPrefix)
	if err != nil {
		return nil, fmt.Errorf("make temporary folder: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock temporary folder %s: %w", dir, err), os.RemoveAll(dir))
	}
	t := &Temp{path: filepath.Join(parent, filepath.Base(dir)[len("new-"):]), lock: lock}
	if err := os.Rename(dir, t.path); err != nil {
		return nil, errors.Join(fmt.Errorf("name temporary folder: %w", err), os.RemoveAll(dir), lock.Close())
	}
	return t, nil
}

// File makes a file for whoever has to keep something for a while, and removes
// it.
func (t *Temp) File() (*os.File, error) {
	f, err := os.CreateTemp(t.path, "file-")
	if err != nil {
		return nil, fmt.Errorf("make temporary file: %w", err)
	}
	return f, nil
}

// Folder makes a folder in the same way.
func (t *Temp) Folder() (string, error) {
	dir, err := os.MkdirTemp(t.path, "folder-")
	if err != nil {
		return "", fmt.Errorf("make temporary folder: %w", err)
	}
	return dir, nil
}

// Close removes the folder with all that is in it.
func (t *Temp) Close() error { return errors.Join(os.RemoveAll(t.path), t.lock.Close()) }

func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// removeStale removes this user's folders whose lock nobody holds. The kernel
// drops a killed process's lock, and unlike a process number it is never given
// again. In another user's folder the lock could be a link to anywhere.
func removeStale(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, tempPrefix+"*"))
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
			continue
		}
		if f, err := lockFolder(dir); err == nil {
			_ = os.RemoveAll(dir)
			_ = f.Close()
		}
	}
}
