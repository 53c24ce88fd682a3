# make help lists the targets.
GO ?= go
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/sbin
# What the runtime is called once it is installed.
NAME ?= runc
DESTDIR ?=
TAGS ?= seccomp urfave_cli_no_template
STATIC_TAGS := $(TAGS) netgo osusergo
# A length that does not depend on how many objects a clone happens to have.
COMMIT ?= $(shell git describe --dirty --long --always --abbrev=12 2>/dev/null)
# Two builds of one commit are the same, byte for byte: no path of this machine,
# no state of this clone.
BUILD := -trimpath -buildvcs=false -buildmode=pie
# STRIP=1 leaves out the symbol table and DWARF.
STRIP ?=
LDFLAGS := $(if $(STRIP),-s -w )-X main.gitCommit=$(COMMIT)
# A position independent Go program has some 37,000 relative relocations; the
# packed form (binutils 2.38, glibc 2.36) makes the file a tenth smaller. A
# linker or C library that lacks it leaves them as they are.
EXTLDFLAGS := -Wl,-z,pack-relative-relocs

BIN := tests/cmd/_bin
# The programs that the integration tests and the demo use, one folder each.
TEST_CMDS := $(patsubst tests/cmd/%/main.go,$(BIN)/%,$(wildcard tests/cmd/*/main.go))
GO_TOOL := $(GO) tool -modfile=script/tools/go.mod

# What the tests run; empty means all files, on the layout that the host has.
RUNC ?= $(CURDIR)/runc
TESTS ?=
LAYOUT ?=
# A directory for JUnit reports.
REPORT ?=
# How long make fuzz stays with each target; empty means a minute.
FUZZTIME ?=
# How often, in which layouts, and how many rounds at a time, make soak runs them;
# empty means its own default.
ROUNDS ?=
LAYOUTS ?=
JOBS ?=
# Models of make test-model; empty means all.
MODELS ?=
# Cases of make test-kubernetes, by a regular expression, and how often each runs.
CASES ?=
RUNS ?=
# Guests of make test-vm, or of make vm-shell; empty means all, or its default.
KERNELS ?=
DRIVERS ?=
PARTS ?=
FAST := observed drain synckill systemd race
KERNEL ?= 6.1
DRIVER ?=

export CGO_ENABLED = 1
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

.DEFAULT_GOAL := runc

##@ Building
.PHONY: runc
runc: deps-build ## build ./runc, a position independent executable (STRIP=1: no symbols)
	$(GO) build $(BUILD) -tags "$(TAGS)" -ldflags "$(LDFLAGS) -extldflags '$(EXTLDFLAGS)'" -o $@ .

.PHONY: static
static: deps-build ## build ./runc-static, which needs no shared library
	$(GO) build $(BUILD) -tags "$(STATIC_TAGS)" \
		-ldflags "$(LDFLAGS) -linkmode external -extldflags '-static-pie $(EXTLDFLAGS)'" -o runc-static .

# What script/architecture.bash knows.
FOREIGN := arm64 armhf armel i386 ppc64le riscv64 s390x amd64-musl
export ARCHS ?=
CROSS := TAGS="$(TAGS)" LDFLAGS="$(LDFLAGS)" EXTLDFLAGS="$(EXTLDFLAGS)"

.PHONY: cross
cross: deps-cross ## build it for other architectures (ARCHS="arm64 armhf armel i386 ppc64le riscv64 s390x amd64-musl")
	@test -n "$(ARCHS)" || { echo "cross: ARCHS=\"arm64 ...\" is missing" >&2; exit 1; }
	$(CROSS) script/cross $(ARCHS)

.PHONY: install
install: ## install ./runc as DESTDIR/BINDIR/NAME, where BINDIR is PREFIX/sbin
	@test -x runc || { echo "install: there is no ./runc yet; run make first" >&2; exit 1; }
	install -D -m 0755 runc "$(DESTDIR)$(BINDIR)/$(NAME)"

.PHONY: install-man install-completions
install-man: ## install the manual into PREFIX/share/man
install-completions: ## install completions for bash, zsh and fish into PREFIX/share
install-man install-completions: install-%:
	DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" NAME="$(NAME)" script/stage $*

.PHONY: uninstall
uninstall: ## remove what install put there
	rm -f "$(DESTDIR)$(BINDIR)/$(NAME)" \
		"$(DESTDIR)$(PREFIX)/share/bash-completion/completions/$(NAME)" \
		"$(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_$(NAME)" \
		"$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/$(NAME).fish" \
		$(patsubst man/runc%.md,"$(DESTDIR)$(PREFIX)/share/man/man8/$(NAME)%",$(wildcard man/*.8.md))

.PHONY: clean
clean: ## remove everything that was built here
	rm -rf runc runc-static dist $(BIN) .cache

##@ Packaging
.PHONY: deb rpm
deb: ## a Debian package, in dist/, that stands beside a distribution's runc
rpm: ## the same as RPM
deb rpm: static
	script/package $@

.PHONY: release
release: static $(if $(filter-out $(shell $(GO) env GOARCH),$(ARCHS)),deps-cross) ## dist/ with sources, binary, packages, bill of materials and checksums (ARCHS="amd64 arm64 ...")
	$(CROSS) script/make-release

.PHONY: deps-report
deps-report: runc ## each dependency: version, licence, why, and what would replace it
	@$(GO) test -C script/release ./...
	@$(GO) run -C script/release ./deps -root ../.. -binary ../../runc report

##@ Checking
.PHONY: lint
lint: deps-build deps-lint ## check Go, shell and bats sources and the compatibility table
	$(GO_TOOL) golangci-lint run
	cd script/release && $(GO) tool -modfile=../tools/go.mod golangci-lint run -c ../../.golangci.yml
	cd bench && $(GO) tool -modfile=../script/tools/go.mod golangci-lint run -c ../.golangci.yml
	cd contrib/upstream && $(GO) tool -modfile=../../script/tools/go.mod golangci-lint run -c ../../.golangci.yml
	script/lint-shell
	cd script/tools && $(GO) tool golangci-lint run -c ../../.golangci.yml
	$(GO) run -C script/tools ./lint-bats ../../tests/integration ../../tests/engines
	script/check-compat

.PHONY: format
format: ## rewrite the sources in the form that lint asks for
	$(GO_TOOL) golangci-lint fmt
	script/lint-shell --write

.PHONY: test
test: deps-test unittest guarantee integration test-engines ## everything: unit tests, the guarantee's tests, the integration suite, the engines

.PHONY: unittest
unittest: deps-build ## Go tests, under the race detector
	$(GO) test -race -timeout 5m -tags "$(TAGS)" $$($(GO) list ./... | grep -vE '/tests/(guarantee|kubernetes)$$')
	$(GO) test -C bench ./...
	$(GO) test -C script/tools ./...
	$(GO) test -C contrib/upstream ./...

.PHONY: test-model
test-model: deps-model ## the model of drain, fence, create and restart: all of its states, and faults that it has to find (JOBS=n MODELS="fence ...")
	JOBS="$(JOBS)" script/test-model $(MODELS)

.PHONY: guarantee
guarantee: deps-test runc ## the guarantee on real containers in each cgroup layout (VIEWS="hybrid v1 v2" SEED=n)
	RUNC="$(RUNC)" $(GO) test -timeout 30m -v -tags "$(TAGS)" ./tests/guarantee/... | grep -v '^ *=== \(RUN\|PAUSE\|CONT\|NAME\)'

.PHONY: fuzz test-fuzz
fuzz: deps-build ## every fuzz target for a while (FUZZTIME=1m ONLY=regexp)
	TAGS="$(TAGS)" FUZZTIME="$(FUZZTIME)" script/fuzz $(if $(ONLY),"$(ONLY)")

test-fuzz: deps-build ## each of them for a minute, thirteen side by side: what continuous integration runs
	TAGS="$(TAGS)" FUZZTIME=1m JOBS=13 script/fuzz

.PHONY: soak-guarantee
soak-guarantee: deps-test runc ## the same for hours: 500 rounds of each race, every kill point, thousands of random rounds, 10,000 of the adversary (ROUNDS=n)
	SOAK=1 RUNC="$(RUNC)" $(GO) test -timeout 12h -v -tags "$(TAGS)" ./tests/guarantee/...

# Bats files about what is installed, rather than about what it does.
PACKAGING := RUNC="$(CURDIR)/runc" LAYOUT=host bats --setup-suite-file "$(CURDIR)/tests/integration/setup_suite.bash"

.PHONY: test-packaging
test-packaging: test-man test-completion test-packages test-reproducible deps-report test-upstream16 ## everything about installing, below

.PHONY: test-man
test-man: deps-packaging runc ## each page against the command's own flags, and through man
	$(GO) test -tags "$(TAGS)" -run TestManualPages .
	$(PACKAGING) tests/packaging/manual.bats

.PHONY: test-completion
test-completion: deps-packaging runc $(BIN)/alive ## completions in bash, zsh and fish
	$(PACKAGING) tests/packaging/completion.bats

.PHONY: test-packages
test-packages: deps-packaging runc $(BIN)/alive deb rpm ## install the package into a fresh Debian, use it, remove it
	$(PACKAGING) tests/packaging/packages.bats

.PHONY: test-cross
test-cross: deps-cross ## other architectures under emulation: commands, and the unit tests of drain and synckill (ARCHS="arm64 ...")
	$(CROSS) script/test-cross $(or $(ARCHS),$(FOREIGN))

.PHONY: test-cross-fast
test-cross-fast: deps-cross-arm64 ## of that arm64 alone: what continuous integration runs
	$(CROSS) script/test-cross arm64

.PHONY: test-reproducible
test-reproducible: deps-build ## build the commit twice, in two directories, and compare
	script/reproducible

# The sources against the next release of upstream: go.upstream16.mod.
.PHONY: test-upstream16
test-upstream16: deps-build ## build and unit-test against upstream 1.6.0-rc.1
	$(GO) build -modfile=go.upstream16.mod -tags "$(TAGS)" -o /dev/null .
	$(GO) test -modfile=go.upstream16.mod -timeout 5m -tags "$(TAGS)" $$($(GO) list -modfile=go.upstream16.mod ./... | grep -v /tests/)

.PHONY: integration
integration: deps-test test-cmds $(if $(filter $(CURDIR)/runc,$(RUNC)),runc) ## bats suite (TESTS="kill.bats ..." LAYOUT=hybrid|v1|v2 RUNC=/other/runc REPORT=dir)
	RUNC="$(RUNC)" LAYOUT="$(LAYOUT)" REPORT="$(REPORT)" script/integration $(TESTS)

.PHONY: soak
soak: deps-test test-cmds $(if $(filter $(CURDIR)/runc,$(RUNC)),runc) ## tests of kill and delete many times in each layout (ROUNDS=n LAYOUTS="hybrid v1 v2" JOBS=n TESTS=... RUNC=...)
	RUNC="$(RUNC)" ROUNDS="$(ROUNDS)" LAYOUTS="$(LAYOUTS)" JOBS="$(JOBS)" script/soak $(TESTS)

.PHONY: compare-polling
compare-polling: deps-test test-cmds runc ## time until a test knows that all is gone, by --wait and by polling (ROUNDS=n)
	ROUNDS="$(ROUNDS)" script/compare-polling

# stable is this machine's packages, new the engines of today: containerd from modules,
# the others in a tree of Debian's next release.
ENGINES ?= stable

.PHONY: test-engines
test-engines: engines-$(ENGINES) test-cmds $(if $(filter $(CURDIR)/runc,$(RUNC)),runc) ## podman, containerd and its CRI, docker and buildah on this runtime (ENGINES=stable|new TESTS="podman.bats ..." RUNC=/other/runc)
	RUNC="$(RUNC)" ENGINES="$(ENGINES)" script/engines $(TESTS)

.PHONY: engines-stable engines-new
engines-stable: deps-engines $(BIN)/stop $(BIN)/crictl
# The tree is left alone by whoever tests nothing in it.
engines-new: deps-new-engines
	script/new-engines >/dev/null
	$(if $(filter-out containerd.bats cri.bats,$(or $(TESTS),all)),script/new-engines-root >/dev/null)

.PHONY: engines-table
engines-table: engines-$(ENGINES) test-cmds runc ## measure them on this runtime and on upstream's, into docs/engines.md (ENGINES=stable|new RUNS=10 LIMIT=seconds)
	ENGINES="$(ENGINES)" script/engines-table --write

# The programs of a node are built once, into .cache.
.PHONY: test-kubernetes
test-kubernetes: deps-kubernetes test-cmds $(if $(filter $(CURDIR)/runc,$(RUNC)),runc) ## pods on a kubelet, with this runtime and with upstream's (CASES=regexp RUNS=n RUNC=/other/runc)
	RUNC="$(RUNC)" RUNS="$(RUNS)" script/kubernetes $(if $(CASES),"$(CASES)")

# What is worth its time in continuous integration: with this runtime alone.
FAST_PODS := children that fork|grace period 0|none can die|the shim is|node drain|sandbox moved

.PHONY: test-kubernetes-fast
test-kubernetes-fast: deps-kubernetes test-cmds runc ## of that six cases, with this runtime alone: what continuous integration can run
	RUNC="$(RUNC)" RUNTIMES=runc-sync script/kubernetes "$(FAST_PODS)"

.PHONY: kubernetes-table
kubernetes-table: deps-kubernetes test-cmds runc ## the same, into docs/kubernetes.md (RUNS=3)
	RUNC="$(RUNC)" RUNS="$(or $(RUNS),3)" script/kubernetes --write

.PHONY: test-kubernetes-vm
test-kubernetes-vm: deps-kubernetes deps-vm static test-cmds ## pods in a guest with cgroup v2, all controllers and systemd as the driver (CASES=regexp RUNS=n KERNEL=6.1)
	KERNEL="$(KERNEL)" RUNS="$(RUNS)" script/kubernetes-vm $(if $(CASES),"$(CASES)")

##@ For upstream
# docs/upstream.md.
BASE ?= v1.5.2
UPSTREAM_BASES := v1.5.2 v1.6.0-rc.1

.PHONY: upstream-series
upstream-series: ## the work as a branch of commits in a checkout of upstream's (UPSTREAM=dir BASE=v1.5.2|v1.6.0-rc.1)
	@test -n "$(UPSTREAM)" || { echo "upstream-series: UPSTREAM=/path/to/checkout of opencontainers/runc is missing" >&2; exit 1; }
	@$(GO) run -C contrib/upstream . -checkout "$(abspath $(UPSTREAM))" -base "$(BASE)" -ours "$(CURDIR)"

.PHONY: upstream-check
upstream-check: deps-test ## which places of the series have moved in upstream's newest release
	script/upstream-check

.PHONY: test-upstream-places
test-upstream-places: deps-test ## make the series on both bases without building it, in seconds
	$(GO) test -C contrib/upstream ./...
	script/upstream-check $(UPSTREAM_BASES)

.PHONY: test-upstream-series
test-upstream-series: deps-upstream $(BIN)/reaper ## make it on both bases and check each commit, with upstream's linters and bats files for the last
	script/test-upstream-series $(UPSTREAM_BASES)

.PHONY: upstream-rounds
upstream-rounds: deps-upstream $(BIN)/reaper ## upstream's kill.bats and delete.bats many times, before and after the series (ROUNDS=n LAYOUTS="hybrid v1 v2" JOBS=n BASE=v1.5.2)
	ROUNDS="$(ROUNDS)" LAYOUTS="$(LAYOUTS)" JOBS="$(JOBS)" BASE="$(BASE)" script/upstream-rounds

.PHONY: upstream-own-tests
upstream-own-tests: deps-upstream test-cmds ## this project's tests of kill, delete, exec and the guarantee on the series' binary (LAYOUTS="hybrid v1 v2" PARTS="bats guarantee" BASE=v1.5.2)
	LAYOUTS="$(LAYOUTS)" PARTS="$(PARTS)" BASE="$(BASE)" script/upstream-own-tests

##@ On other kernels
.PHONY: test-vm
test-vm: deps-vm static test-cmds ## the suites in guests (KERNELS="5.10 ..." LAYOUTS="v2 hybrid v1" DRIVERS="fs systemd" PARTS=...)
	TAGS="$(TAGS)" KERNELS="$(KERNELS)" LAYOUTS="$(LAYOUTS)" DRIVERS="$(DRIVERS)" PARTS="$(PARTS)" script/vm

.PHONY: test-vm-fast
test-vm-fast: deps-vm static test-cmds ## of that three guests, in minutes: what continuous integration runs
	TAGS="$(TAGS)" CELLS="5.10/v1/fs 6.1/v2/systemd newest/v2/fs" PARTS="$(FAST)" DEADLINE=900 script/vm

.PHONY: test-systemd
test-systemd: deps-vm static test-cmds ## the systemd driver on this kernel: systemd in namespaces, each layout, in seconds (PARTS=...)
	script/vm-root >/dev/null && TAGS="$(TAGS)" script/vm-payload >/dev/null
	PARTS="$(or $(PARTS),$(FAST) guarantee bats)" script/in-systemd

.PHONY: vm-shell
vm-shell: deps-vm static test-cmds ## a shell in one guest (KERNEL=6.1 LAYOUT=v2 DRIVER=fs)
	TAGS="$(TAGS)" script/vm-kernel "$(KERNEL)" && script/vm-root && script/vm-payload
	SHELL_IN=1 script/vm-boot "$(KERNEL)" "$(or $(LAYOUT),v2)" "$(or $(DRIVER),fs)"

##@ Measuring
.PHONY: compare
compare: deps-build ## start-up time and stripped size against upstream's runc
	TAGS="$(TAGS)" EXTLDFLAGS="$(EXTLDFLAGS)" script/compare-upstream

##@ Measuring
# The benchmark and its raw data. ALONE is a command that runs another one while
# the machine has nothing else to do; a slice of the full run is below four
# minutes. BASELINE is an earlier build of ./runc, to be measured beside it.
BENCH := .cache/bench
ALONE ?=
BASELINE ?=
BENCH_RUN := $(BENCH)/bench run -repo . -ours "$(RUNC)" -upstream $(BIN)/upstream-runc -peers $(BENCH)/peers -baseline "$(BASELINE)" -only "$(ONLY)"
ONLY ?=

.PHONY: bench-build
bench-build: deps-build runc $(BIN)/upstream-runc
	mkdir -p $(BENCH)
	$(GO) build -C bench -trimpath -o ../$(BENCH)/bench .
	bench/peers $(BENCH)/peers

.PHONY: bench
bench: bench-build ## how far a synchronous kill is from the kernel's floor and from upstream's, in two minutes (ONLY=regexp BASELINE=runc)
	rm -f $(BENCH)/short.jsonl
	$(ALONE) $(BENCH_RUN) -data $(BENCH)/short.jsonl
	$(BENCH)/bench report -data $(BENCH)/short.jsonl

.PHONY: bench-full
bench-full: bench-build ## all sizes and layouts, into bench/RESULTS.md; goes on where it was stopped (ALONE=command BASELINE=runc)
	until $(ALONE) $(BENCH_RUN) -full -for 200s -data bench/results.jsonl; do [ $$? = 75 ] || exit 1; done
	$(MAKE) bench-report

.PHONY: bench-report
bench-report: ## bench/RESULTS.md and its plots from bench/results.jsonl
	$(GO) run -C bench . report -data results.jsonl -notes notes.md -o RESULTS.md

##@ Seeing
.PHONY: demo
demo: deps-demo runc $(BIN)/alive ## show side by side what is left after a kill, with and without --wait
	@RUNC="$(RUNC)" script/demo

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9 -]+:.*## / { printf "  %-20s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# Debian packages: each target installs what is missing and says so in one line.
.PHONY: deps-build deps-cross deps-cross-arm64 deps-lint deps-test deps-model deps-demo deps-engines deps-kubernetes deps-new-engines deps-packaging deps-upstream deps-vm
deps-build:
	@script/install-deps build
deps-lint:
	@script/install-deps build lint
deps-model:
	@script/install-deps model
deps-test:
	@script/install-deps build test
deps-engines:
	@script/install-deps build test engines
deps-kubernetes:
	@script/install-deps build kubernetes
deps-new-engines:
	@script/install-deps build test new-engines
deps-packaging:
	@script/install-deps build test packaging
deps-upstream:
	@script/install-deps build upstream
deps-cross:
	@script/install-deps cross
deps-cross-arm64:
	@script/install-deps cross-arm64
deps-vm:
	@script/install-deps build vm
deps-demo:
	@script/install-deps build demo

.PHONY: test-cmds
test-cmds: $(TEST_CMDS) $(BIN)/upstream-runc

$(BIN)/stop: contrib/examples/stop/main.go $(wildcard libcontainer/*/*.go) go.mod
	CGO_ENABLED=0 $(GO) build -trimpath -o $@ ./$(dir $<)

# The client of containerd's CRI, which Debian has not.
$(BIN)/crictl: script/tools/crictl.mod
	CGO_ENABLED=0 $(GO) build -modfile=script/tools/crictl.mod -trimpath -o $@ sigs.k8s.io/cri-tools/cmd/crictl

$(BIN)/%: tests/cmd/%/main.go go.mod
	CGO_ENABLED=0 $(GO) build -trimpath -o $@ ./$(dir $<)

# Upstream's runtime, from the version that go.mod names: for the state
# compatibility tests and the comparisons.
$(BIN)/upstream-runc: go.mod go.sum | deps-build
	$(GO) build -trimpath -buildmode=pie -tags seccomp -o $@ github.com/opencontainers/runc
