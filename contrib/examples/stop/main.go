// Command stop ends a container by the library: it asks with SIGTERM, insists
// after five seconds, and prints what was done as JSON.
//
//	stop STATE-ROOT CONTAINER
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"

	"runcsync/libcontainer/drain"
	"runcsync/libcontainer/synckill"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: stop STATE-ROOT CONTAINER")
		os.Exit(2)
	}
	report, err := stop(os.Args[1], os.Args[2])
	if report != nil {
		err = errors.Join(err, json.NewEncoder(os.Stdout).Encode(report))
	}
	if left := (*drain.TimeoutError)(nil); errors.As(err, &left) {
		fmt.Fprintln(os.Stderr, "still alive:", len(left.Survivors))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "stop:", err)
		os.Exit(1)
	}
}

func stop(root, id string) (*synckill.Report, error) {
	loaded, err := libcontainer.Load(root, id)
	if err != nil {
		return nil, err
	}
	container, err := synckill.New(loaded, filepath.Join(root, id))
	if err != nil {
		return nil, err
	}
	return container.Kill(context.Background(), synckill.Request{
		Signal:    unix.SIGTERM,
		KillAfter: 5 * time.Second,
		Timeout:   20 * time.Second,
		Count:     true,
	})
}
