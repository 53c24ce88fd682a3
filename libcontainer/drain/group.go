package drain

import "slices"

// Group is what is signalled and drained as one.
type Group struct {
	Trees     []*Tree
	Processes []Process // single ones, wherever they are: a container's init
	Sources   []Source  // finders of processes that no cgroup holds together
}

// Source finds processes by another mark than a cgroup.
type Source interface {
	// Pids lists the IDs of the processes that bear the mark now. An empty list
	// says that there are none; a list may hold some that have ended. Where it
	// takes long, stop tells now and then whether to go on: its error is to be
	// returned.
	Pids(stop func() error) ([]int, error)
	// Has tells whether the process with this ID bears the mark. It is asked
	// once that is pinned by a pidfd: only then it is signalled.
	Has(pid int) bool
	String() string
}

// part is what a tree and a source have in common.
type part interface {
	list(b bounds) (members, error)
	// among returns a test of which of the processes that have the IDs pids,
	// ascending, are in it at the moment of the call, or later.
	among(pids []int, b bounds) (func(pid int) bool, error)
	name() string
}

func (t *Tree) name() string { return t.Path }

// byMark is a source as a part.
type byMark struct{ Source }

func (s byMark) name() string { return s.String() }

func (s byMark) among([]int, bounds) (func(pid int) bool, error) { return s.Has, nil }

func (s byMark) list(b bounds) (members, error) {
	pids, err := s.Pids(b.stopped)
	if err == nil {
		err = b.stopped()
	}
	slices.Sort(pids)
	return members{pids: slices.Compact(pids)}, err
}

// parts are trees and sources, v2's first: they tell most for least.
func parts(trees []*Tree, sources []Source) []part {
	var ps []part
	for _, v := range []Version{V2, V1} {
		for _, t := range trees {
			if t.Version == v && t.Exists() {
				ps = append(ps, t)
			}
		}
	}
	for _, s := range sources {
		ps = append(ps, byMark{s})
	}
	return ps
}

// unified is a part as a v2 tree; nil if it is none.
func unified(p part) *Tree {
	if t, ok := p.(*Tree); ok && t.Version == V2 {
		return t
	}
	return nil
}
