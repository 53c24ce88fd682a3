// Package guarantee proves what docs/synchronous-kill.md promises, with the
// real runc on real containers, in every cgroup layout: see package rig.
package guarantee

import (
	"os"
	"testing"

	"runcsync/tests/guarantee/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }
