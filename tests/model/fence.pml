/*
 * fence.pml: runc exec against runc kill --wait and delete --wait.
 *
 * The drain is one step here (drain.pml has its insides): everything in the
 * container's cgroup is dead after it. What is checked is who may add a process
 * when, who is held up by whom, and what of the fence file that root and a user
 * share. docs/model.md says which code each step stands for.
 *
 * Faults that can be put back: FAULT_4 (exec passes where the fence can't be
 * opened), FAULT_4B (root leaves the fence file to itself), FAULT_9 (a kill that
 * can't open the fence signals nobody), FAULT_14 (exec reads its process file in
 * the room), FAULT_15 (exec waits at the gate for ever), NO_GATE (a kill takes
 * the room alone), NO_FENCE_IN_STATUS (exec looks at the status before it is in
 * the room), KILL_ONCE (the drain that ran before the fence was closed counts).
 */

#ifndef SIGKILLS
#define SIGKILLS 1 /* how many runcs are SIGKILLed at most */
#endif

#define STEP(x) if :: atomic { x } :: atomic { kills > 0 -> kills--; goto dead } fi

/* The adversary's choices for one run. */
byte kills;    /* SIGKILLs left */
bool undying;  /* a process in state D: the drain never ends */
bool nofile;   /* no fence file can be had: no inode, no descriptor, read-only */
bool nowriter; /* the process file is a FIFO that nobody writes to */

/* The fence. Open file description locks: gone with their holder. */
#define ABSENT   0
#define ROOTONLY 1 /* as root's open(2) has made it */
#define SHARED   2 /* the owner of the root directory may open it */
byte file = ABSENT;
bool passed;   /* a root command has opened the file and has gone on */
byte gate;     /* who has it; 0 is nobody */
byte inside;   /* execs in the room */
byte room;     /* the kill that has the room for itself; 0 is none */

/* The container. */
bool init_alive = true;
bool exists = true;  /* state directory and cgroup */
byte members = 1;    /* live processes in the cgroup, init among them */
bool claimed;        /* a --wait has returned 0 */

/* openfence: a command opens the fence file; ok tells whether it could. */
inline openfence(root, ok) {
	if
	:: nofile -> ok = false
	:: else ->
		if
		:: root ->
			STEP(if :: file == ABSENT -> file = ROOTONLY :: else fi);
#ifndef FAULT_4B
			STEP(file = SHARED); /* fchown and fchmod, also of one that was there */
#endif
			passed = true;
			ok = true
		:: else ->
			STEP(
				if :: file == ABSENT -> file = SHARED :: else fi;
				ok = (file != ROOTONLY);
				/* No caller locks another one out. */
				assert(ok || !passed)
			)
		fi
	fi
}

proctype Exec(byte me; bool root) {
	bool ok = true;
	bool in = false;
	bool running;

#ifndef FAULT_14
end_input:
	if
	:: !nowriter /* the process file is read */
	:: atomic { kills > 0 -> kills--; goto dead }
	fi;
#endif
	openfence(root, ok);
	if
	:: !ok ->
#ifdef FAULT_4
		goto start;
#else
		goto done /* a clear error */
#endif
	:: else
	fi;
#ifdef NO_FENCE_IN_STATUS
	STEP(running = exists && init_alive);
	if :: !running -> goto done :: else fi;
#endif
	if
	:: atomic { gate == 0 -> gate = me }
	:: atomic { kills > 0 -> kills--; goto dead }
#ifndef FAULT_15
	:: gate != 0 -> goto done /* ExecPatience is over: a clear error */
#endif
	fi;
	STEP(room == 0 -> inside++; in = true);
	STEP(gate = 0);
start:
#ifdef FAULT_14
end_input:
	if
	:: !nowriter
	:: atomic { kills > 0 -> kills--; goto dead }
	fi;
#endif
#ifndef NO_FENCE_IN_STATUS
	STEP(running = exists && init_alive);
	if :: !running -> goto done :: else fi;
#endif
	STEP(
		if
		:: exists ->
			/* Guarantee 3: whoever was told 0 was told the truth. */
			assert(!claimed);
			members++
		:: else /* no cgroup to be put into */
		fi
	);
done:
dead:	/* of its own accord or not, the kernel takes its locks back */
	atomic {
		if :: in -> inside--; in = false :: else fi;
		if :: gate == me -> gate = 0 :: else fi
	}
}

proctype Kill(byte me; bool root; bool delete) {
	bool ok = true;
	bool closed;
	bool struck = false;
	byte have = 0; /* 1: the gate, 2: the room as well */

	openfence(root, ok);
	if
	:: !ok ->
#ifndef FAULT_9
		STEP(members = undying; init_alive = undying; struck = true);
#endif
		assert(struck); /* what can't be claimed is killed all the same */
		goto dead
	:: else
	fi;
#ifdef NO_GATE
	have = 1;
#endif
	do
	:: atomic { have == 0 && gate == 0 -> gate = me; have = 1 }
	:: atomic { have == 1 && inside == 0 && room == 0 -> room = me; have = 2 }
	:: atomic { kills > 0 -> kills--; goto dead }
	:: atomic {
		/* Looks again only if that shows something new, so that to be held up
		 * for ever is a deadlock, which the checker reports. */
		!struck || members > undying || (have == 2 && !undying) -> closed = (have == 2)
	   } ->
		STEP(members = undying; init_alive = undying; struck = true);
#ifdef KILL_ONCE
		break
#else
		if
		:: closed && !undying -> break
		:: else
		fi
#endif
	:: undying && struck -> goto stuck
	od;
#ifdef KILL_ONCE
	if :: undying -> goto dead :: else fi;
	do
	:: atomic { have == 0 && gate == 0 -> gate = me; have = 1 }
	:: atomic { have == 1 && inside == 0 && room == 0 -> room = me; have = 2 }
	:: atomic { kills > 0 -> kills--; goto dead }
	:: have == 2 -> break
	od;
#endif
	atomic {
		/* Exit status 0: guarantees 1 and 2. */
		assert(!init_alive && members == 0);
		claimed = true
	};
	if
	:: delete -> STEP(exists = false) /* still behind the fence */
	:: else
	fi;
	goto dead;
stuck:
end_stuck: /* for as long as --timeout says: nothing else may depend on it */
	do
	:: atomic { have == 0 && gate == 0 -> gate = me; have = 1 }
	:: atomic { have == 1 && inside == 0 && room == 0 -> room = me; have = 2 }
	:: atomic { kills > 0 -> kills--; break }
	od;
dead:
	atomic {
		if :: gate == me -> gate = 0 :: else fi;
		if :: room == me -> room = 0 :: else fi
	}
}

init {
	atomic {
		select(kills : 0 .. SIGKILLS);
		if :: undying = true :: true fi;
		if :: nofile = true :: true fi;
		if :: nowriter = true :: true fi;
		if :: file = ROOTONLY :: true fi; /* an earlier build's, or a root that was SIGKILLed */
		run Exec(1, true);
		run Exec(2, false);
		run Kill(3, true, false);
		run Kill(4, false, true)
	}
}
