// Command upstream turns this project's work into a series of commits in a
// checkout of upstream's repository, one a step, for its reviewers:
//
//	upstream -checkout /path/to/runc [-base v1.5.2] [-branch synchronous-kill]
//	upstream -list [-checkout /path/to/runc]
//
// The packages go in as they are. Upstream's own files are edited at places
// that are named by their structure; a place that is not found ends it with a
// message, and no branch is made.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "upstream:", err)
		os.Exit(1)
	}
}

func run() error {
	dir := flag.String("checkout", "", "clone of "+upstreamModule+" to make the branch in")
	base := flag.String("base", "v1.5.2", "release to start from: a tag, a branch or a commit there")
	branch := flag.String("branch", "synchronous-kill", "branch to make")
	ours := flag.String("ours", ".", "root of this project's checkout")
	list := flag.Bool("list", false, "list the steps with the lines that each adds, and the places that are not found, without making a branch")
	flag.Parse()
	if flag.NArg() > 0 || *dir == "" {
		return fmt.Errorf("usage: upstream -checkout DIR [-base TAG] [-branch NAME] [-list]; see contrib/upstream/COVER.md")
	}
	name := *branch
	if *list {
		name = "synchronous-kill-list" // made and removed
	}
	c, err := openCheckout(*dir, *base, name)
	if err != nil {
		return err
	}
	module, err := c.git("show", *base+":go.mod")
	if err != nil {
		return err
	}
	b, err := baseOf(*base, module)
	if err != nil {
		return err
	}
	s, err := newSeries(*ours, b)
	if err != nil {
		return err
	}
	var failed []error
	if *list {
		s.Moved = func(err error) { failed = append(failed, err) }
	}
	err = c.commit(s, *base, name, func(step Step, commit string) {
		code, tests, other := c.added(commit)
		fmt.Printf("%2d  %s  %4d lines of code, %4d of tests, %4d other  %s\n", step.Number, commit, code, tests, other, step.Subject)
		if code >= stepLimit {
			failed = append(failed, fmt.Errorf("step %d, %q, adds %d lines of code: it is to have less than %d", step.Number, step.Subject, code, stepLimit))
		}
	})
	if err != nil {
		return err
	}
	if *list {
		_, err = c.git("branch", "-D", name)
		return errors.Join(append(failed, err)...)
	}
	for _, err := range failed {
		fmt.Fprintln(os.Stderr, "upstream:", err)
	}
	fmt.Printf("branch %s in %s: %d commits on %s\n", name, *dir, len(s.Steps), *base)
	return nil
}

// stepLimit is how many lines of code, without tests, reviewers are asked to read
// at a time.
const stepLimit = 400
