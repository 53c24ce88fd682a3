/*
 * drain.pml: one drain of a container, SIGKILL to everything, beside an adversary.
 * Without V1 the container has a cgroup v2, with it one of v1.
 *
 * There are three process IDs, one bit each, of which the lowest is init's at
 * first. Processes fork, end, are reaped, and their IDs go to strangers; they
 * leave the cgroup, and init comes back; first threads end before the others, and
 * init's other threads follow each other; v1's freezer is closed by others. An
 * earlier runc may have been SIGKILLed: whatever it got to, what it leaves is
 * processes with a SIGKILL on its way. docs/model.md says which code each step
 * stands for.
 *
 * Faults that can be put back: FAULT_3 (that all threads are zombies is read from
 * a listing), NO_CONFIRM (what was listed is pinned and signalled), BY_ID (what
 * was confirmed is signalled by its ID), NO_INIT (the cgroup is all that is looked
 * at), NO_LAST_LOOK (when the last one held has ended the cgroup is not read
 * again), LIST_ONLY (v1: what was seen is not held), FIRST_NEWS (v2: that the tree
 * has emptied is the end).
 */

#define STEP(x) atomic { x }

#define INIT 1

/* The processes. */
byte live = 3;  /* run */
byte zombie;    /* have ended, and nobody has reaped them */
byte inside = 3; /* of them, those in the cgroup */
byte strange;   /* none of the container's, and never were */
byte init_is = INIT;
byte leaderless; /* the first thread has ended, others run */
byte hit;       /* SIGKILL is on its way to all threads */
bool frozen;
byte freezes = 1;
bool thread[2] = true; /* init's threads, but for the first */

/* What runc holds by pidfd: of the process that has the ID now, or of one that
 * had it and is gone. Candidates are not confirmed yet. */
byte held;
byte held_gone;
byte cand;
byte cand_gone;
byte seen; /* confirmed as the container's, by this runc */

#define OURS (live & ~strange)
#define POPULATED ((live & inside) != 0)
/* A pidfd is readable. */
#define TERMINATED ((held & zombie) | held_gone)

inline stop(p) {
	live = live & ~p; zombie = zombie | p; leaderless = leaderless & ~p
}

inline reap(p) {
	zombie = zombie & ~p; inside = inside & ~p; strange = strange & ~p;
	init_is = init_is & ~p; hit = hit & ~p; seen = seen & ~p;
	held_gone = held_gone | (held & p); held = held & ~p;
	cand_gone = cand_gone | (cand & p); cand = cand & ~p
}

/* What can be done by, to, or with the ID p. */
#define DEEDS(p, q) \
	:: d_step { (OURS & p) && !(hit & p) && !((live | zombie) & q) -> /* forks */ \
		live = live | q; \
		if :: inside & p -> inside = inside | q :: else fi } \
	:: d_step { (OURS & p) && !(hit & p) -> leaderless = leaderless | p } \
	:: d_step { (live & p) && !(hit & p) -> stop(p) } \
	:: d_step { (live & hit & p) && !(frozen && (inside & p)) -> stop(p) } \
	:: d_step { (zombie & p) -> reap(p) } \
	:: d_step { !((live | zombie) & p) -> live = live | p; strange = strange | p } \
	:: d_step { (OURS & inside & p) -> inside = inside & ~p } \
	:: d_step { (OURS & init_is & p) && !(hit & p) -> inside = inside | p }

#define RELAY ((live & init_is & leaderless) && !(hit & init_is))

proctype Adversary() {
end:	do
	DEEDS(1, 2)
	DEEDS(2, 4)
	DEEDS(4, 1)
#ifdef FAULT_3 /* nothing else looks at them */
	:: d_step { RELAY && thread[0] && !thread[1] -> thread[1] = true }
	:: d_step { RELAY && thread[0] && thread[1] -> thread[0] = false }
	:: d_step { RELAY && thread[1] && !thread[0] -> thread[0] = true }
	:: d_step { RELAY && thread[1] && thread[0] -> thread[1] = false }
#endif
#ifdef V1
	:: d_step { freezes > 0 && !frozen -> frozen = true; freezes-- }
#endif
	od
}

/* send: SIGKILL through pidfds. Guarantee 5: nothing else is signalled. */
inline send(set) {
	assert(((set) & strange) == 0);
	hit = hit | ((set) & live)
}

/* confirm: those of a listing are pinned one after the other, and kept if they
 * are in a second one. */
inline pin(p) {
	if
	:: (list & p) && !((held | held_gone) & p) ->
		STEP(if :: (live | zombie) & p -> cand = cand | p :: else fi)
	:: else
	fi
}

inline confirm() {
	pin(1); pin(2); pin(4);
	STEP(
#ifndef NO_CONFIRM
		again = live & inside;
		cand = cand & again; cand_gone = cand_gone & again;
#endif
		held = held | cand; held_gone = held_gone | cand_gone;
		seen = seen | cand;
		fresh = cand;
		cand = 0; cand_gone = 0; again = 0
	)
}

proctype Drain() {
	byte list, again, fresh;
	bool struck, left, buried;
	bool a, b;

#ifndef NO_INIT
	/* Init is pinned, and known by its start time. */
	STEP(held = INIT & (live | zombie));
	STEP(held = held & init_is; held_gone = 0);
#ifdef FAULT_3
	if
	:: (held & leaderless) ->
		STEP(a = thread[0]; b = thread[1]); /* the threads are listed */
		STEP(a = a && thread[0] && (live & held & init_is) != 0); /* and looked at */
		STEP(b = b && thread[1] && (live & held & init_is) != 0);
		STEP(if :: !a && !b -> held = 0 :: else fi; a = false; b = false)
	:: else
	fi;
#endif
	STEP(held = held & ~zombie; held_gone = 0); /* its pidfd is readable: it is gone */
	STEP(seen = held);
#endif
look:
	if
	:: struck -> STEP(send(held)) /* they may have left the cgroup since */
	:: else
	fi;
#ifndef V1
	STEP(left = POPULATED);
	if
	:: left ->
		STEP(list = live & inside);
		confirm();
		if
		:: !struck -> STEP(send(held & ~list); struck = true)
		:: else
		fi;
		/* cgroup.kill: not the threads of a process whose first one has ended */
		STEP(send(live & inside & ~leaderless); list = 0; fresh = 0)
	:: else
	fi;
	if
	:: !struck -> STEP(send(held); struck = true)
	:: else
	fi;
#ifdef FIRST_NEWS
	if :: !left -> goto claim :: else fi;
#endif
#else
	if
	:: !struck -> STEP(send(held); struck = true)
	:: else
	fi;
	STEP(list = live & inside; left = (list != 0));
	if
	:: left ->
		confirm();
#ifdef BY_ID
		STEP(send(fresh & live); fresh = 0); /* whoever has them by now */
#else
		STEP(send(fresh & held); fresh = 0);
#endif
#ifdef LIST_ONLY
		STEP(held = held & init_is; held_gone = held_gone & INIT);
#endif
		list = 0
	:: else
	fi;
	STEP(frozen = false);
#endif
	if
	:: !left ->
		STEP(
			buried = (TERMINATED != 0);
			held = held & ~zombie; held_gone = 0
		);
#ifndef NO_LAST_LOOK
		if
		:: buried -> buried = false; goto look
		:: else
		fi;
#endif
		if
		:: !held && !held_gone -> goto claim
		:: else
		fi
	:: else
	fi;
	/* The wait: for news, or a tick. */
	STEP(
		if
		:: !POPULATED
		:: (TERMINATED == (held | held_gone))
		:: (TERMINATED != 0)
		:: (OURS & inside & ~hit) /* a tick, where another look does something */
#ifdef V1
		:: frozen
#endif
		:: (held & live & ~hit)
		fi;
		held = held & ~zombie; held_gone = 0
	);
	goto look;
claim:
	atomic {
		/* Guarantees 1 and 2. */
		assert((OURS & init_is) == 0);
		assert((OURS & seen) == 0);
		assert((OURS & inside) == 0)
	}
}

init {
	atomic {
		if :: inside = 3 :: inside = 2 fi; /* init has moved out before, or not */
		if :: leaderless = INIT :: true fi;
		/* An earlier runc was SIGKILLed: all that it leaves is signals. */
		if :: hit = 1 :: hit = 2 :: hit = 3 :: true fi;
#ifdef V1
		if :: frozen = true :: true fi;
#endif
		run Adversary();
		run Drain()
	}
}
