package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/utils"
)

// Entry describes a container as "state" and "list" print it: the state of the
// OCI runtime specification, and runc's additions to it. The order of the
// fields is the order of the output.
type Entry struct {
	Version     string            `json:"ociVersion"`
	ID          string            `json:"id"`
	Pid         int               `json:"pid"` // of init, seen by the caller; 0 once it is gone
	Status      string            `json:"status"`
	Bundle      string            `json:"bundle"`
	Rootfs      string            `json:"rootfs"`
	Created     time.Time         `json:"created"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Owner       string            `json:"owner"` // known to List alone
}

// Describe returns the entry of c, without its owner.
func Describe(c *libcontainer.Container) (Entry, error) {
	status, err := c.Status()
	if err != nil {
		return Entry{}, fmt.Errorf("status of container %s: %w", c.ID(), err)
	}
	state, err := c.State()
	if err != nil {
		return Entry{}, fmt.Errorf("state of container %s: %w", c.ID(), err)
	}
	e := Entry{
		Version: state.Config.Version,
		ID:      state.ID,
		Status:  status.String(),
		Rootfs:  state.Config.Rootfs,
		Created: state.Created,
	}
	if status != libcontainer.Stopped {
		e.Pid = state.InitProcessPid
	}
	e.Bundle, e.Annotations = utils.Annotations(state.Config.Labels)
	return e, nil
}

// List describes the containers of the state directory root, sorted by id. A
// container that can't be described is left out and handed to skipped.
func List(root string, skipped func(error)) ([]Entry, error) {
	dirs, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	var found []Entry
	who := owners{}
	for _, dir := range dirs {
		if !dir.IsDir() {
			continue
		}
		info, err := dir.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted since
		}
		if err != nil {
			return nil, err
		}
		e, err := entry(root, dir.Name())
		if err != nil {
			skipped(err)
			continue
		}
		e.Owner = who.of(info)
		found = append(found, e)
	}
	return found, nil
}

func entry(root, id string) (Entry, error) {
	c, err := Load(root, id)
	if err != nil {
		return Entry{}, fmt.Errorf("load container %s: %w", id, err)
	}
	return Describe(c)
}

// owners remembers the names of users, since a look-up may ask the network.
type owners map[uint32]string

// of names the owner of a file, as "#UID" where the user has no name.
func (o owners) of(info fs.FileInfo) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	name, known := o[stat.Uid]
	if known {
		return name
	}
	uid := strconv.FormatUint(uint64(stat.Uid), 10)
	name = "#" + uid
	if u, err := user.LookupId(uid); err == nil {
		name = u.Username
	}
	o[stat.Uid] = name
	return name
}
