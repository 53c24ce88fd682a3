/*
 * create.pml: two creates of one ID, a kill --wait and a delete --force --wait of
 * it, each of which may be SIGKILLed after any step; in the end one more delete.
 *
 * A container has the number of the create that makes it. Draining is one step
 * (drain.pml has its insides). What is checked is that all that was started can
 * be found, by whom and when it is claimed to be gone, and that of a container
 * of the same name nothing is touched. docs/model.md says which code each step
 * stands for.
 *
 * Faults that can be put back: FAULT_1 (create is not in the room), FAULT_2
 * (nothing is noted before the start; without a state file nothing is thought to
 * run), NO_SOURCE (init is not looked for by exec.fifo), NO_IDENTITY (after the
 * fence the directory is not compared), NO_REOPEN (what was opened before the
 * fence was closed is what is drained), REMOVE_FIRST (a failed create removes its
 * directory's files before its processes), LATE_CGROUP (delete removes the files,
 * then the cgroup).
 *
 * LATE_ROOM is another design, not a fault: create makes the directory first and
 * enters the room then; origin.json, which only one can make, decides whose the
 * directory is. EARLY_FIND is a fault of that: create looks its directory up before
 * the note is in it.
 */

#ifndef SIGKILLS
#define SIGKILLS 1
#endif

#ifndef CREATES
#define CREATES 2
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef DELETES
#define DELETES 1
#endif

#define STEP(x) if :: atomic { x } :: atomic { kills > 0 -> kills--; goto dead } fi

byte kills;  /* SIGKILLs left */
byte running; /* runcs that run */

/* The state directory of the ID: who made it, 0 if there is none, and its files. */
byte dir;
byte origin; /* whose origin.json, state.json and exec.fifo is there; 0: none */
byte state;
byte fifo;
#define EMPTY (!origin && !state && !fifo)

/* The cgroup: the container it belongs to; 0 if there is none. */
byte cgroup;

/* Processes by container. */
#define NONE   0
#define FORKED 1 /* of create, not yet runc init: it has create's descriptors */
#define BARE   2 /* runc init, not in the cgroup yet; has exec.fifo open */
#define SETUP  3 /* the same, in the cgroup */
#define USER   4 /* the container's own program, in the cgroup */
#define MOVED  5 /* the same, after it has left the cgroup */
#define DEAD   6
byte proc[3];
bool child[3]; /* a hook, a child: in the cgroup, and not init */
bool gone[3];  /* create has ended, however */

/* The fence. */
byte gate;
byte room;      /* the kill or delete that has the room for itself */
bool inside[3]; /* creates in the room */
#define NOBODY_INSIDE (!inside[1] && !inside[2])

/* What has been claimed: of a directory that all that was started in it is gone. */
bool claimed[3];
byte started[3]; /* the directory in which it was */

#define ALIVE(c) (child[c] || (proc[c] != NONE && proc[c] != DEAD))
#define IN_CGROUP(c) (proc[c] == SETUP || proc[c] == USER)

proctype Process(byte c) {
	/* Between fork and execve the child holds all that create has open, the
	 * fence's file too, and with it the room. */
	atomic { proc[c] == FORKED -> proc[c] = BARE; inside[c] = inside[c] && !gone[c] };
end:	do
	:: atomic { proc[c] == BARE && gone[c] -> proc[c] = DEAD } /* its pipe is closed */
	:: atomic { proc[c] == SETUP && state == c && gone[c] -> proc[c] = USER; if :: fifo == c -> fifo = 0 :: else fi }
	:: atomic { proc[c] == USER -> proc[c] = MOVED }
	:: atomic { IN_CGROUP(c) && cgroup == c && !child[c] -> child[c] = true }
	:: atomic { proc[c] == SETUP || proc[c] == USER -> proc[c] = DEAD }
	:: proc[c] == DEAD && !child[c] -> break
	od
}

inline enter() {
	if
	:: atomic { gate == 0 -> gate = me }
	:: gate != 0 -> goto refused /* its patience is over */
	:: atomic { kills > 0 -> kills--; goto dead }
	fi;
	STEP(room == 0 -> inside[me] = true);
	STEP(gate = 0)
}

proctype Create(byte me) {
	byte made = 0; /* the directory taken for one's own */
	byte where;    /* the one that the note is in */

#ifdef IN_TURN
	if :: me == 2 -> gone[1] :: else fi; /* the second begins when the first has ended */
#endif
#ifndef LATE_ROOM
#ifndef FAULT_1
	enter();
#endif
#endif
	if
	:: atomic { dir == 0 -> dir = me; made = me }
	:: dir != 0 -> goto refused
	:: atomic { kills > 0 -> kills--; goto dead }
	fi;
#ifdef LATE_ROOM
#ifdef EARLY_FIND
	STEP(made = dir);
#endif
	enter();
#endif
#ifdef FAULT_2
	where = made;
#endif
#ifndef FAULT_2
	STEP(
		if
		:: dir != 0 && origin == 0 -> origin = me; where = dir; /* by name: it may be another's */
#ifndef EARLY_FIND
			made = dir
#endif
		:: else -> goto refused
		fi
	);
#endif
	STEP(if :: dir != 0 -> fifo = me :: else -> goto failed fi);
	STEP(
		/* Guarantee 3, for create: whoever was told 0 was told the truth. */
		assert(!claimed[where]);
		proc[me] = FORKED; started[me] = where; run Process(me)
	);
	STEP(proc[me] != FORKED);
	STEP(if :: proc[me] == DEAD -> goto failed :: else fi);
	STEP(assert(cgroup == 0); cgroup = me);
	STEP(if :: proc[me] == BARE -> assert(cgroup == me); proc[me] = SETUP :: else -> goto failed fi);
	/* Hooks run, and may hang: init ends or not as Process says. */
	STEP(if :: proc[me] == DEAD -> goto failed :: else fi);
	STEP(if :: dir != 0 && proc[me] != DEAD -> state = me :: else -> goto failed fi);
	goto done;

failed:
#ifdef REMOVE_FIRST
	STEP(if :: dir == made -> state = 0; origin = 0 :: else fi);
#endif
	STEP(if :: proc[me] != NONE -> proc[me] = DEAD :: else fi);
	STEP(child[me] = false);
	STEP(if :: cgroup == me && !child[me] -> cgroup = 0 :: else fi);
	STEP(if :: dir == made && state == me -> state = 0 :: else fi);
	STEP(if :: dir == made && origin == me -> origin = 0; fifo = 0 :: else fi);
	STEP(if :: dir == made && EMPTY -> dir = 0 :: else fi);
	assert(origin != me && state != me && !ALIVE(me)); /* nothing of it is left */
	goto done;

refused: /* leaves nothing; what another one has made it leaves alone */
#ifdef LATE_ROOM
	STEP(if :: made != 0 && EMPTY -> dir = 0 :: else fi);
#endif
done:
dead:
	atomic {
		gone[me] = true;
		if :: gate == me -> gate = 0 :: else fi;
		if :: proc[me] != FORKED -> inside[me] = false :: else fi;
		running--
	}
}

/* same: the directory is the one that was looked up, or all begins anew. */
inline same() {
#ifndef NO_IDENTITY
	STEP(
		if
		:: dir == 0 -> goto done
		:: dir != 0 && dir != seen -> goto replaced
		:: else
		fi
	)
#else
	skip
#endif
}

/* open: what is known of the container is opened, by name, in this order. It is
 * this container's if the directory still is: that is made before the cgroup,
 * and removed after it. */
inline open() {
	STEP(s = state);
	STEP(o = origin);
	STEP(tree = (s || o -> cgroup : 0));
	same()
}

/* strike: all that is known is killed and waited for. The tree is held by
 * descriptor: if the cgroup is another one by now, nothing is hit. */
inline strike() {
	if
	:: tree && cgroup == tree ->
		assert(tree == s || tree == o);
		child[tree] = false;
		if :: IN_CGROUP(tree) -> proc[tree] = DEAD :: else fi
	:: else
	fi;
	if :: s && proc[s] == MOVED -> proc[s] = DEAD :: else fi;
#ifndef NO_SOURCE
	if
	:: !s && o && fifo == o && (proc[o] == BARE || proc[o] == SETUP) -> proc[o] = DEAD
	:: else
	fi
#endif
}

/* news: a look now would find what the last one did not. */
#define FOUND (s != state || o != origin || tree != cgroup || \
	(s && ALIVE(s) && proc[s] != FORKED && proc[s] != BARE) || \
	(!s && o && ALIVE(o) && proc[o] != FORKED))

proctype Kill(byte me; bool delete) {
	byte seen, s, o, tree;
	byte have = 0;
	bool closed;

again:
	STEP(seen = dir);
	if :: seen == 0 -> goto done :: else fi; /* "does not exist" */
	open();
#ifdef FAULT_2
	if
	:: !s && delete -> goto claim
	:: !s && !delete -> goto done
	:: else
	fi;
#endif
	closed = false;
	do
	:: atomic { have == 0 && gate == 0 -> gate = me; have = 1 }
	:: atomic { have == 1 && NOBODY_INSIDE && room == 0 -> room = me; have = 2 }
	:: atomic { kills > 0 -> kills--; goto dead }
	:: atomic { have == 2 || FOUND -> closed = (have == 2) } ->
#ifndef NO_REOPEN
		if :: !s -> open() :: else fi; /* with a state file all of it is there */
#endif
		STEP(strike());
		if :: closed -> break :: else fi
	od;
	if
	:: s -> skip
	:: !s && state != 0 -> goto replaced /* it has been completed meanwhile */
	:: else -> same()
	fi;
	if
	:: !s && !o && !delete -> goto done /* "does not exist": nothing is claimed */
	:: else
	fi;
#ifdef FAULT_2
claim:
#endif
	/* Guarantees 1 and 2, and guarantee 7: what can't be found any more is not. */
	atomic {
		assert(!(ALIVE(1) && started[1] == seen));
		assert(!(ALIVE(2) && started[2] == seen))
	};
	if
	:: delete ->
		same();
#ifdef LATE_CGROUP
		STEP(state = 0);
		STEP(origin = 0; fifo = 0; dir = 0);
		STEP(if :: tree && cgroup == tree && !ALIVE(tree) -> cgroup = 0 :: else fi)
#else
		STEP(if :: tree && cgroup == tree && !ALIVE(tree) -> cgroup = 0 :: else fi);
		STEP(assert(state == s || state == 0); state = 0);
		STEP(
			/* The next container of this name is not touched. */
			assert(origin == o || origin == 0);
			origin = 0; fifo = 0
		);
#ifdef LATE_ROOM
		STEP(assert(EMPTY); dir = 0) /* another's without a file: its create fails, and has started nothing */
#else
		STEP(assert(dir == 0 || (dir == seen && EMPTY)); dir = 0)
#endif
#endif
	:: else
	fi;
	STEP(claimed[seen] = true); /* exit status 0 */
	goto done;
replaced: /* it has been deleted, and another one has its name: begin anew */
	atomic {
		if :: gate == me -> gate = 0 :: else fi;
		if :: room == me -> room = 0 :: else fi;
		have = 0
	};
	goto again;
done:
dead:
	atomic {
		if :: gate == me -> gate = 0 :: else fi;
		if :: room == me -> room = 0 :: else fi;
		running--
	}
}

init {
	atomic {
		select(kills : 0 .. SIGKILLS);
		running = CREATES + DELETES + KILLS;
		run Create(1);
#if CREATES > 1
		run Create(2);
#endif
#if KILLS > 0
		run Kill(3, false);
#endif
		run Kill(4, true);
#if DELETES > 1
		run Kill(6, true)
#endif
	};
	/* Guarantee 7: whatever has happened, a delete completes it. */
	atomic { running == 0 -> kills = 0; running = 1; run Kill(5, true) };
	atomic {
		running == 0 ->
		assert(!ALIVE(1) && !ALIVE(2));
		assert(dir == 0 && cgroup == 0)
	}
}
