package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// checkout is somebody's clone of upstream's repository. Its work tree and its
// branches stay as they are: the series is committed in a work tree of its own.
type checkout struct{ dir string }

// openCheckout checks that dir is a clone of upstream in which commits can be
// made, and that it has the base and not yet the branch.
func openCheckout(dir, base, branch string) (checkout, error) {
	c := checkout{dir}
	if _, err := os.Stat(dir); err != nil {
		return c, err
	}
	if _, err := c.git("rev-parse", "--git-dir"); err != nil {
		return c, fmt.Errorf("%s is no git repository: %w", dir, err)
	}
	if _, err := c.git("rev-parse", "--verify", "--quiet", base+"^{commit}"); err != nil {
		return c, fmt.Errorf("%s has no %s: fetch upstream's tags there first", dir, base)
	}
	module, err := c.git("show", base+":go.mod")
	if err != nil || !strings.HasPrefix(module, "module "+upstreamModule+"\n") {
		return c, fmt.Errorf("%s at %s is not %s", dir, base, upstreamModule)
	}
	if _, err := c.git("rev-parse", "--verify", "--quiet", "refs/heads/"+branch); err == nil {
		return c, fmt.Errorf("%s has a branch %s already: remove it, or name another by -branch", dir, branch)
	}
	if _, err := c.git("var", "GIT_COMMITTER_IDENT"); err != nil {
		return c, errors.New("git knows no name and address to sign off with: git config user.name and user.email")
	}
	return c, nil
}

// git runs git in the checkout and returns its output.
func (c checkout) git(args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-C", c.dir}, args...)...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(said.String()))
	}
	return string(out), nil
}

// commit makes the series as the branch, and leaves no branch if a step fails.
func (c checkout) commit(s Series, base, branch string, made func(step Step, commit string)) (err error) {
	tmp, err := os.MkdirTemp("", "series-")
	if err != nil {
		return err
	}
	work := checkout{filepath.Join(tmp, "tree")}
	if _, err := c.git("worktree", "add", "--quiet", "--detach", work.dir, base); err != nil {
		return errors.Join(err, os.RemoveAll(tmp))
	}
	defer func() {
		_, rerr := c.git("worktree", "remove", "--force", work.dir)
		err = errors.Join(err, rerr, os.RemoveAll(tmp))
	}()
	for n, step := range s.Steps {
		if err := s.apply(step, work.dir); err != nil {
			return fmt.Errorf("step %d, %q: %w", n+1, step.Subject, err)
		}
		if _, err := work.git("add", "--all"); err != nil {
			return err
		}
		if _, err := work.git("commit", "--quiet", "--signoff", "--message", step.Subject+"\n\n"+step.Message); err != nil {
			return fmt.Errorf("step %d, %q: %w", n+1, step.Subject, err)
		}
		id, err := work.git("rev-parse", "--short=12", "HEAD")
		if err != nil {
			return err
		}
		if made != nil {
			made(step, strings.TrimSpace(id))
		}
	}
	_, err = work.git("branch", branch, "HEAD")
	return err
}

// added counts the lines that a commit adds: of Go code, of tests, and of what
// else there is.
func (c checkout) added(commit string) (code, tests, other int) {
	out, err := c.git("show", "--numstat", "--format=", commit)
	if err != nil {
		return 0, 0, 0
	}
	for line := range strings.Lines(out) {
		var plus, minus int
		var name string
		if _, err := fmt.Sscanf(line, "%d\t%d\t%s", &plus, &minus, &name); err != nil {
			continue
		}
		switch {
		case strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "tests/"):
			tests += plus
		case strings.HasSuffix(name, ".go"):
			code += plus
		default:
			other += plus
		}
	}
	return code, tests, other
}
