package guarantee

import (
	"os"
	"strconv"
	"testing"
)

// rounds is how often a test repeats itself: the environment's ROUNDS, or few
// times in the default suite and many in the soak.
func rounds(few, many int) int {
	if n, err := strconv.Atoi(os.Getenv("ROUNDS")); err == nil {
		return n
	}
	if soaking() {
		return many
	}
	return few
}

func soaking() bool { return os.Getenv("SOAK") != "" }

// seedOf is the environment's SEED, or a fixed one. The test prints it, so
// that a round can be had again.
func seedOf(t testing.TB) uint64 {
	t.Helper()
	text := os.Getenv("SEED")
	if text == "" {
		return 1
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("SEED: %v", err)
	}
	return n
}
