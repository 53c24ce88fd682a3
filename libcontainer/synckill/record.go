package synckill

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

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
	f, err := os.OpenFile(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() >= recordLimit {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errNoRecord}
	}
	data, err := io.ReadAll(io.LimitReader(f, recordLimit))
	if err == nil && len(data) == recordLimit {
		err = &fs.PathError{Op: "read", Path: path, Err: errNoRecord}
	}
	return data, err
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
