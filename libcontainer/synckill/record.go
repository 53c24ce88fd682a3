package synckill

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// recordLimit is more than any record of a container takes, in bytes.
const recordLimit = 4 << 20

var errNoRecord = errors.New("not a regular file of less than 4 MiB")

// readRecord reads a file of the state directory. That may be a user's who is not
// to be trusted: nothing but a regular file is read, no link is followed, and it
// never blocks. The error is [fs.ErrNotExist] if there is none.
func readRecord(stateDir, name string) ([]byte, error) {
	path := filepath.Join(stateDir, name)
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	fd, err := unix.Open(path, flags, 0)
	for errors.Is(err, unix.EINTR) {
		fd, err = unix.Open(path, flags, 0)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && (st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size >= recordLimit) {
		err = errNoRecord
	}
	var data []byte
	for err == nil {
		data = slices.Grow(data, max(int(st.Size)+1-len(data), 512))
		var n int
		n, err = unix.Read(fd, data[len(data):cap(data)])
		if errors.Is(err, unix.EINTR) {
			err = nil
			continue
		}
		if err == nil && n == 0 {
			return data, nil
		}
		if data = data[:len(data)+max(n, 0)]; len(data) >= recordLimit {
			err = errNoRecord
		}
	}
	return nil, &fs.PathError{Op: "read", Path: path, Err: err}
}

// writeRecord stores v in a file of the state directory, atomically.
func writeRecord(stateDir, name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(stateDir, name+"-")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(stateDir, name))
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}
