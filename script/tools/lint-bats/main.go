// Command lint-bats checks bats suites, each a directory of .bats files and the
// .bash files that they load, for tests that wait after a `--wait`: the flag's
// promise is that there is nothing left to wait for.
//
//	lint-bats tests/integration
//
// It prints a line for each place and exits with 1 if there is one, and with 2 if
// no directory is named or a file cannot be read or is no bats.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "lint-bats: no directory of a suite is named")
		os.Exit(2)
	}
	var found []string
	for _, dir := range os.Args[1:] {
		s, err := readSuite(dir)
		if err != nil {
			fmt.Fprintln(os.Stderr, "lint-bats:", err)
			os.Exit(2)
		}
		found = append(found, s.check()...)
	}
	for _, line := range found {
		fmt.Println(line)
	}
	if len(found) > 0 {
		os.Exit(1)
	}
}
