package drain

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// Files of procfs and cgroupfs are read to their end, or the reading fails: what
// stands in them is the container's to choose, and so is their length.

// longest is more than any file that readFile is for can have.
const longest = 1 << 24

// errTooLong says that a file goes on beyond what it could possibly have.
var errTooLong = errors.New("longer than any such file can be")

// readFile reads a file that the kernel writes out in one go, however long:
// /proc/PID/stat, status, cgroup and wchan, and what in cgroupfs is a value. It
// reads on from where it is, which the kernel serves from the text it made at
// first. A read that was not filled came to the end.
func readFile(dir int, path string) (string, error) {
	fd, err := openat(dir, path, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	var buf [4096]byte
	n, err := readNext(fd, buf[:])
	if err != nil || n < len(buf) {
		return string(buf[:n]), err
	}
	// A copy: what is on the stack costs no page.
	text, err := appendRest(slices.Clone(buf[:]), func(into []byte, _ int64) (int, error) { return readNext(fd, into) })
	return string(text), err
}

// readAll reads a file of procfs of any length that the kernel writes out
// record by record: a read that was not filled need not have come to the end.
func readAll(path string) (string, error) {
	fd, err := openat(unix.AT_FDCWD, path, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	text, err := appendRest(make([]byte, 0, 8192), func(into []byte, _ int64) (int, error) { return readNext(fd, into) })
	return string(text), err
}

// appendRest appends what read returns, until that is nothing. It is given the
// number of bytes that are there already.
func appendRest(text []byte, read func(into []byte, at int64) (int, error)) ([]byte, error) {
	for {
		text = slices.Grow(text, 4096)
		n, err := read(text[len(text):cap(text)], int64(len(text)))
		if text = text[:len(text)+n]; n == 0 || err != nil {
			return text, err
		}
		if len(text) > longest {
			return text, errTooLong
		}
	}
}

// readAgain reads a file that is kept open from its beginning.
func readAgain(fd int) (string, error) {
	var buf [512]byte
	n, err := pread(fd, buf[:], 0)
	if err != nil || n < len(buf) {
		return string(buf[:n]), err
	}
	text, err := appendRest(slices.Clone(buf[:]), func(into []byte, at int64) (int, error) { return pread(fd, into, at) })
	return string(text), err
}

// errText says that a file has not the form that it should have.
var errText = errors.New("unexpected text")

// ids parses a file of one ID a line, a piece at a time.
type ids struct {
	id   int
	some bool // digits of the present line have been seen
}

// next takes a piece and calls each with every ID that ends in it, until that
// returns false.
func (p *ids) next(piece []byte, each func(id int) bool) error {
	for _, c := range piece {
		switch {
		case c >= '0' && c <= '9' && p.id < 1<<26:
			p.id, p.some = p.id*10+int(c-'0'), true
		case c == '\n' && p.some:
			if !each(p.id) {
				return nil
			}
			p.id, p.some = 0, false
		default:
			return fmt.Errorf("%w: %q in a list of IDs", errText, piece)
		}
	}
	return nil
}

// end is the error of a file that ended within a line.
func (p *ids) end() error {
	if p.some {
		return fmt.Errorf("%w: a list of IDs ends within a line", errText)
	}
	return nil
}

func openat(dir int, path string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(dir, path, flags|unix.O_CLOEXEC, 0)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

func readNext(fd int, buf []byte) (int, error) {
	for {
		n, err := unix.Read(fd, buf)
		if !errors.Is(err, unix.EINTR) {
			return max(n, 0), err
		}
	}
}

func pread(fd int, buf []byte, offset int64) (int, error) {
	for {
		n, err := unix.Pread(fd, buf, offset)
		if !errors.Is(err, unix.EINTR) {
			return max(n, 0), err
		}
	}
}

// write writes text to a control file below dir.
func write(dir int, file, text string) error {
	fd, err := openat(dir, file, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for {
		_, err = unix.Write(fd, []byte(text))
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// exhausted tells whether an error says that there are no descriptors left.
func exhausted(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE)
}
