package statedir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"
)

const stateFile = "state.json"

// maxPid is more than any process ID of Linux is. The kernel reads 32 bits of
// what is larger, and takes it for somebody else's.
const maxPid = 1 << 22

func isPid(pid int) bool { return pid > 0 && pid <= maxPid }

// DamagedStateError says that a container's state file is there and can be
// read, but does not describe a container. [Damage] recovers what is left.
type DamagedStateError struct {
	Path string
	Err  error // what is wrong with the contents
}

func (e *DamagedStateError) Error() string {
	return fmt.Sprintf("state file %s is damaged: %v", e.Path, e.Err)
}

func (e *DamagedStateError) Unwrap() error { return e.Err }

// Load reads the container id back from the state directory root. Its errors
// are libcontainer's ([libcontainer.ErrNotExist], [libcontainer.ErrInvalidID],
// those of the file system), but for a state file with bad contents, which is
// a [*DamagedStateError].
//
// libcontainer decodes the file without looking at the result, and dereferences
// nil where the file holds null or {}. Checking the contents beforehand would
// cost every command a second decoding, so the file is examined only once
// libcontainer has stumbled. A panic that the file does not explain goes on.
func Load(root, id string) (c *libcontainer.Container, err error) {
	path := filepath.Join(root, id, stateFile)
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if err = examine(path); err == nil {
			panic(cause)
		}
		c = nil
	}()
	c, err = libcontainer.Load(root, id)
	switch {
	case err == nil:
		return c, checkInit(c, path)
	case errors.Is(err, libcontainer.ErrNotExist), errors.Is(err, libcontainer.ErrInvalidID), errors.Is(err, os.ErrPermission):
		return nil, err
	}
	if damage := examine(path); damage != nil {
		return nil, damage
	}
	return nil, err
}

// Read reads the state of the container id, where that is all that is needed.
// libcontainer looks at the freezer when it loads a container, and on cgroup v1
// does not return before that has settled: never, while a process sleeps that
// can't be frozen.
//
// A file that holds anything unexpected is left to Load: it knows what is wrong,
// and what libcontainer makes up for.
func Read(root, id string) (*libcontainer.State, error) {
	data, err := file(root, id)
	if damage, ok := errors.AsType[*DamagedStateError](err); ok {
		return nil, damage // which Load would not return from
	}
	if state := read(data, err, id); state != nil {
		return state, nil
	}
	c, err := Load(root, id)
	if err != nil {
		return nil, err
	}
	return c.State()
}

// read is nil if there is no state file in which all is as it should be.
func read(data []byte, err error, id string) *libcontainer.State {
	if err != nil {
		return nil
	}
	state, err := contents(data)
	if err != nil || state.ID != id || state.InitProcessStartTime == 0 || len(state.CgroupPaths) == 0 {
		return nil
	}
	return state
}

// file reads the state file of the container id, if that may be an ID. It never
// blocks: a FIFO, which somebody else may have put there, or a device is a
// [*DamagedStateError].
func file(root, id string) ([]byte, error) {
	if !legalID(id) {
		return nil, libcontainer.ErrInvalidID
	}
	path := filepath.Join(root, id, stateFile)
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &DamagedStateError{Path: path, Err: errors.New("it is not a regular file")}
	}
	data := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	_, err = data.ReadFrom(f)
	return data.Bytes(), err
}

// Mentions tells whether the text is anywhere in the state file of the container
// id, without decoding it; true as well if the file can't be read.
func Mentions(root, id, text string) bool {
	data, err := file(root, id)
	return err != nil || bytes.Contains(data, []byte(text))
}

var errNoInit = errors.New("init_process_pid is missing or no process id")

// checkInit refuses a state that names no init process. libcontainer takes such
// a container for a stopped one, and would delete it while its processes live.
func checkInit(c *libcontainer.Container, path string) error {
	state, err := c.State()
	if err != nil {
		return err
	}
	if !isPid(state.InitProcessPid) {
		return &DamagedStateError{Path: path, Err: errNoInit}
	}
	return nil
}

// examine says what is wrong with the contents of the state file path. It is
// nil if nothing is, or if the file can't be read.
func examine(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil //nolint:nilerr // libcontainer's own error says it
	}
	if _, err := contents(data); err != nil {
		return &DamagedStateError{Path: path, Err: err}
	}
	return nil
}

// contents decodes data as libcontainer does and checks what it takes for
// granted of the result.
func contents(data []byte) (state *libcontainer.State, err error) {
	err = json.NewDecoder(bytes.NewReader(data)).Decode(&state)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return nil, fmt.Errorf("byte %d: %w", syntax.Offset, err)
	}
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("it is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("it is cut off after %d bytes: %w", len(data), err)
	case err != nil:
		return nil, err
	case state == nil:
		return nil, errors.New("it holds nothing but null")
	case state.Config.Cgroups == nil:
		return nil, errors.New("config.cgroups is missing")
	case !isPid(state.InitProcessPid):
		return nil, errNoInit
	}
	return state, nil
}
