package drain

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"
)

// walk goes over the directories of a tree.
type walk struct {
	tree *Tree
	bounds
	cut   bool // there are more directories than bounds allow
	seen  int
	stack []frame
	buf   []byte // of the directory that is being read
}

// frame is one directory on the way down from the top of a walk.
type frame struct {
	fd       int // -1 while given up to save descriptors
	children []string
}

// walkOpen is how many directories of the way down a walk keeps open; it gets
// back to the others through "..".
const walkOpen = 8

// all calls visit with each directory of the subtree, parents first. It uses a
// bounded number of descriptors at any depth. [fs.SkipAll] ends it, and so does
// the error of bounds.stop.
func (w *walk) all(visit func(dir int) error) (err error) {
	w.stack = make([]frame, 0, 4)
	defer func() {
		for _, f := range w.stack[min(1, len(w.stack)):] { // the first is the tree's own
			if f.fd >= 0 {
				unix.Close(f.fd)
			}
		}
		if errors.Is(err, fs.SkipAll) {
			err = nil
		}
	}()
	if err := w.enter(w.tree.dir, visit); err != nil {
		return err
	}
	for {
		depth := len(w.stack)
		cur := &w.stack[depth-1]
		switch {
		case len(cur.children) > 0:
			name := cur.children[0]
			cur.children = cur.children[1:]
			if err := w.down(name, visit); err != nil {
				return err
			}
		case depth == 1:
			return nil
		default:
			if err := w.up(); err != nil {
				return err
			}
		}
	}
}

// enter visits a directory and lists what is below it.
func (w *walk) enter(fd int, visit func(dir int) error) error {
	w.stack = append(w.stack, frame{fd: fd})
	w.seen++
	if err := visit(fd); err != nil {
		return err
	}
	if err := w.stopped(); err != nil {
		return err
	}
	children, err := w.subdirectories(fd)
	if err != nil && !vanished(err) {
		return w.tree.error("list directory", err)
	}
	w.stack[len(w.stack)-1].children = children
	return nil
}

// down enters a child of the present directory, unless that has vanished or
// bounds allow no more.
func (w *walk) down(name string, visit func(dir int) error) error {
	if w.dirs > 0 && w.seen >= w.dirs {
		w.cut = true
		return fs.SkipAll
	}
	depth := len(w.stack)
	cur := &w.stack[depth-1]
	fd, err := openat(cur.fd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	if vanished(err) {
		return nil
	}
	if err != nil {
		return w.tree.error(fmt.Sprintf("open directory %q", name), err)
	}
	if depth > walkOpen {
		unix.Close(cur.fd)
		cur.fd = -1
	}
	return w.enter(fd, visit)
}

// up leaves the present directory.
func (w *walk) up() (err error) {
	depth := len(w.stack)
	cur, up := &w.stack[depth-1], &w.stack[depth-2]
	if up.fd < 0 {
		if up.fd, err = openat(cur.fd, "..", unix.O_RDONLY|unix.O_DIRECTORY); err != nil {
			return w.tree.error("open parent directory", err)
		}
	}
	unix.Close(cur.fd)
	w.stack = w.stack[:depth-1]
	return nil
}

// subdirectories lists the names of the directories in an open directory, or
// one more than bounds allow. A cgroup's link count is two more than the number
// of its children, which saves reading the directory of a leaf.
func (w *walk) subdirectories(dir int) (names []string, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(dir, &st); err != nil || st.Nlink <= 2 {
		return nil, err
	}
	if _, err := unix.Seek(dir, 0, 0); err != nil {
		return nil, err
	}
	if w.buf == nil {
		w.buf = make([]byte, 32<<10)
	}
	for {
		n, err := unix.Getdents(dir, w.buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if n <= 0 || err != nil {
			return names, err
		}
		if names, err = directories(w.buf[:n], names); err != nil {
			return names, err
		}
		if w.dirs > 0 && w.seen+len(names) > w.dirs {
			w.cut = true // also if some of these vanish before they are entered
			return names, nil
		}
		if err := w.stopped(); err != nil {
			return names, err
		}
	}
}

// directories appends the names of the directories in what getdents64(2)
// returned, struct linux_dirent64: the inode and the offset of the next entry,
// 8 bytes each, the length of this one, 2 bytes, its type, and the name with a
// NUL.
func directories(entries []byte, names []string) ([]string, error) {
	const length, kind, name = 16, 18, 19
	for len(entries) > 0 {
		if len(entries) <= name {
			return names, errText
		}
		n := int(binary.NativeEndian.Uint16(entries[length:]))
		if n <= name || n > len(entries) {
			return names, errText
		}
		text, _, _ := bytes.Cut(entries[name:n], []byte{0})
		if entries[kind] == unix.DT_DIR && string(text) != "." && string(text) != ".." {
			names = append(names, string(text))
		}
		entries = entries[n:]
	}
	return names, nil
}
