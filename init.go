package main

import (
	"os"

	"github.com/opencontainers/runc/libcontainer"
	_ "github.com/opencontainers/runc/libcontainer/nsenter" // its C constructor runs before the Go runtime
)

// "runc init" is not a command of the user's: create, run and exec re-execute
// the binary under this name inside the new container. By then nsenter's C code
// has joined the namespaces; Init finishes in Go and does not return.
func init() {
	if len(os.Args) > 1 && os.Args[1] == "init" {
		libcontainer.Init()
	}
}
