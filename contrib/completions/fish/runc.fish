# Completion of runc(8) for fish. Commands and options come from the program's
# own help and containers from its list; see the one for bash.

# Prints each form of each option that the help of a command shows, the name of
# its value, and what it is for, separated by tabs.
function __runc_sync_options
    $argv --help 2>/dev/null | awk '
        /OPTIONS:$/ { on = 1; next }
        on && /^ +-/ {
            sub(/^ +/, "")
            about = $0
            sub(/  .*/, "")
            about = substr(about, length($0) + 1)
            sub(/^ +/, "", about)
            sub(/ \[ .*/, "")
            n = split($0, form, ", ")
            for (i = 1; i <= n; i++) {
                name = form[i]; value = ""
                if (match(name, " ")) { value = substr(name, RSTART + 1); name = substr(name, 1, RSTART - 1) }
                print name "\t" value "\t" about
            }
        }'
end

# Prints the name of the value of the option that the first argument names; the
# others are what __runc_sync_options has printed.
function __runc_sync_value
    for row in $argv[2..]
        set -l cell (string split \t -- $row)
        if test "x$cell[1]" = "x$argv[1]"; and test -n "$cell[2]"
            echo $cell[2]
            return 0
        end
    end
    return 1
end

function __runc_sync_commands
    $argv --help 2>/dev/null | awk '
        /^COMMANDS:$/ { on = 1; next }
        /^$/ { on = 0 }
        on { name = $1; sub(/,$/, "", name); sub(/^ *[^ ]+( h)? +/, ""); print name "\t" $0 }'
end

# __runc_sync_ids STATES PROGRAM...
function __runc_sync_ids
    $argv[2..] list 2>/dev/null |
        awk -v states=" $argv[1] " 'NR > 1 && index(states, " " $3 " ") { print $1 "\t" $3 }'
end

# __runc_sync_states COMMAND WORDS...
function __runc_sync_states
    switch $argv[1]
        case kill update
            echo running paused created
        case delete
            if contains -- --force $argv; or contains -- -f $argv
                echo stopped created running paused
            else
                echo stopped created
            end
        case exec
            if contains -- --ignore-paused $argv
                echo running paused
            else
                echo running
            end
        case start
            echo created
        case pause checkpoint events
            echo running
        case resume
            echo paused
        case ps
            echo running paused
        case state
            echo running paused created stopped
    end
end

# __runc_sync_values FLAG NAME COMMAND CURRENT
function __runc_sync_values
    switch "$argv[2]"
        case FILE PATH
            __fish_complete_path $argv[4]
        case DIR
            __fish_complete_directories $argv[4]
        case FORMAT
            if contains -- "$argv[3]" list ps
                printf '%s\n' table json
            else
                printf '%s\n' text json
            end
        case '*'
            switch $argv[1]
                case --rootless
                    printf '%s\n' true false auto
                case --manage-cgroups-mode
                    printf '%s\n' soft full strict ignore
                case --empty-ns
                    echo network
                case --cpu-idle
                    printf '%s\n' 0 1
            end
    end
end

function __runc_sync
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -l options (__runc_sync_options $program)
    set -l command ''
    set -l root
    set -l args 0
    set -l waits ''
    for word in $words[2..]
        if test -n "$waits"
            test "x$waits$command" = x--root; and set root --root $word
            set waits ''
        else if string match -q -- '-*' $word; and not begin
                test $args -gt 0; and contains -- $command exec kill ps
            end
            if string match -q -- '--root=*' $word
                set root $word
            else if not string match -q -- '-*=*' $word; and __runc_sync_value $word $options >/dev/null
                set waits $word
            end
        else if test -z "$command"
            set command $word
            set options (__runc_sync_options $program $command)
        else
            set args (math $args + 1)
        end
    end

    if test -n "$waits"
        __runc_sync_values $waits (__runc_sync_value $waits $options) "$command" "$current"
    else if string match -q -- '-*=*' $current
        set -l flag (string split -m 1 = -- $current)
        set -l name (__runc_sync_value $flag[1] $options)
        for value in (__runc_sync_values $flag[1] "$name" "$command" "$flag[2]")
            echo "$flag[1]=$value"
        end
    else if string match -q -- '-*' $current
        if test $args -eq 0; or not contains -- $command exec kill ps
            for row in $options
                set -l cell (string split \t -- $row)
                printf '%s\t%s\n' $cell[1] $cell[3]
            end
        end
    else if test -z "$command"
        __runc_sync_commands $program
    else if test $args -eq 0
        set -l states (__runc_sync_states $command $words)
        test -n "$states"; and __runc_sync_ids $states $program $root
    else if test $command = kill -a $args -eq 1
        printf '%s\n' HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT \
            CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS
    end
end

complete --command runc --no-files --keep-order --arguments '(__runc_sync)'
