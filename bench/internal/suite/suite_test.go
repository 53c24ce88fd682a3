package suite

import (
	"slices"
	"testing"
)

// TestTurns has each subject first, and each before each other, as often.
func TestTurns(t *testing.T) {
	for n := 1; n <= 6; n++ {
		first := make([]int, n)
		before := make([][]int, n)
		for i := range before {
			before[i] = make([]int, n)
		}
		const rounds = 120 // divisible by 2n
		for round := 1; round <= rounds; round++ {
			order := turns(n, round)
			first[order[0]]++
			for i, a := range order {
				for _, b := range order[i+1:] {
					before[a][b]++
				}
			}
		}
		for a := range n {
			if first[a] != rounds/n {
				t.Errorf("of %d, %d is first in %d of %d rounds", n, a, first[a], rounds)
			}
			for b := range n {
				if a != b && before[a][b] != rounds/2 {
					t.Errorf("of %d, %d is before %d in %d of %d rounds", n, a, b, before[a][b], rounds)
				}
			}
		}
		if order := turns(n, 1); len(order) != n || !slices.Contains(order, n-1) {
			t.Errorf("turns of %d: %v", n, order)
		}
	}
}
