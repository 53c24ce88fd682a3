/*
 * wait.pml: the time that a drain takes of a container with a cgroup v2, in ticks
 * of a clock, beside an adversary that makes work for whoever looks.
 *
 * The container has cgroups, and may make more until it is killed; processes that
 * cgroup.kill does not reach, since their first threads have ended, more of them
 * than are held; and others that end one after the other, which is news. To read
 * a cgroup takes one tick. docs/model.md says which code each step stands for.
 *
 * Faults that can be put back: FAULT_12 (the tree is listed before it is killed,
 * however long that takes), FAULT_12B (a listing does not look at the clock),
 * FAULT_13 (processes are signalled one by one only after waits without news),
 * FAULT_13B (a quarter of three is none, so three that stay are getting fewer).
 */

#define DEADLINE  20 /* --timeout: 10 s, if a tick is half a second */
#define SLACK     1  /* what a call may be late */
#define PROMPT    3  /* when the first kill is due at the latest */
#define PATIENCE  1  /* how often those that cgroup.kill has hit are counted */
#define HANDFUL   2  /* cgroups that are read to find out whether they are few */
#define MANY      24 /* cgroups at most */
#define UNREACHED 3  /* processes that cgroup.kill does not reach */
#define UNKNOWN   255

byte now;
byte cgroups;
byte making;      /* cgroups that are made in a tick, until it is killed */
bool killed;      /* cgroup.kill has been written */
byte killed_at;
byte lingering;   /* processes that end once killed, */
byte swift;       /* so many a tick */
bool unreached;   /* there are some whose first thread has ended */
bool one_by_one;  /* those have been signalled */
bool stuck;       /* a process in state D, which never ends */

#define POPULATED (lingering > 0 || (unreached && !one_by_one) || stuck || !killed)

/* tick: a step of runc's has taken its time, in which the container goes on. */
inline tick() {
	atomic {
		now++;
		if
		:: !killed -> cgroups = (cgroups + making > MANY -> MANY : cgroups + making)
		:: else
		fi
	}
}

/* census: the cgroups are read, one a tick, up to a number of them. */
inline census(most) {
	read = 0;
	do
	:: read >= cgroups || read >= most -> break
#ifndef FAULT_12B
	:: read < cgroups && read < most && now >= DEADLINE -> break
	:: read < cgroups && read < most && now < DEADLINE -> read++; tick()
#else
	:: read < cgroups && read < most -> read++; tick()
#endif
	od
}

active proctype Drain() {
	byte read = 0;
	byte quiet = 0;   /* waits in a row without news */
	byte counted = 0; /* when those left were counted */
	byte size = UNKNOWN;
	byte n;
	bool few;         /* too few have ended since */
	bool news;

	atomic {
		select(cgroups : 1 .. MANY);
		select(making : 0 .. 2);
		select(lingering : 0 .. 24);
		if :: swift = 1 :: swift = 2 :: swift = 5 fi;
		if :: unreached = true :: true fi;
		if :: stuck = true :: true fi
	};
	do
	:: !POPULATED -> break
	:: POPULATED && now >= DEADLINE -> break
	:: POPULATED && now < DEADLINE ->
#ifdef FAULT_12
		census(255);
#else
		census(HANDFUL); /* few are pinned before they are killed */
#endif
		atomic {
			few = false;
			if
			:: !killed -> killed = true; killed_at = now; counted = now
#ifdef FAULT_13
			:: killed && quiet >= 2 -> few = true
#else
			:: killed && now - counted >= PATIENCE ->
				n = lingering + (unreached && !one_by_one -> UNREACHED : 0) + stuck;
#ifdef FAULT_13B
				few = (n > size - size / 4);
#else
				few = (4 * n > 3 * size);
#endif
				counted = now;
				size = n
#endif
			:: else
			fi
		};
		if
		:: few && unreached && !one_by_one ->
			/* signalled as they are listed, so that a long listing is worth its time */
			one_by_one = true;
			census(255)
		:: else
		fi;
		/* The wait: until somebody ends, or a tick has passed. */
		if
		:: now < DEADLINE ->
			news = (lingering > 0);
			lingering = (lingering > swift -> lingering - swift : 0);
			quiet = (news -> 0 : quiet + 1);
			tick()
		:: else
		fi
	od;
	atomic {
		/* Guarantee 6: the wait is bounded. */
		assert(now <= DEADLINE + SLACK);
		/* Kill first, count later. */
		assert(killed && killed_at <= PROMPT);
		/* At its end everybody has got their signal. */
		assert(one_by_one || !unreached)
	}
}
