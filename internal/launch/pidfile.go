package launch

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// writePidFile writes pid to path. A reader finds either the whole number or
// no file: engines watch for the file to appear and read it at once.
func writePidFile(path string, pid int) (err error) {
	// The name is this process' own: a draft that is there is what another,
	// of the same pid, left behind when it was killed.
	draft := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d", filepath.Base(path), os.Getpid()))
	_ = os.Remove(draft)
	f, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(draft)
		}
	}()
	_, err = f.WriteString(strconv.Itoa(pid))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(draft, path)
}
