# shellcheck shell=bash
# Expectations of the tests beside this file, which source it: a line for each, and a line of totals at the end.
# Output of what failed goes through "$WORK/said".

PATIENCE=20
HELD=0
FAILED=0

say() { printf '%s\n' "$*"; }

check() { # WHAT COMMAND…: it holds, or it does not
    local what=$1
    shift
    if "$@" >"$WORK/said" 2>&1; then
        say "held     $what"
        HELD=$((HELD + 1))
    else
        say "FAILED   $what"
        sed 's/^/         /' "$WORK/said"
        FAILED=$((FAILED + 1))
    fi
}

not() { if "$@"; then return 1; fi; }

eventually() { # COMMAND…: within PATIENCE seconds
    local deadline=$((SECONDS + PATIENCE))
    until "$@" >"$WORK/eventually" 2>&1; do
        if ((SECONDS >= deadline)); then
            cat "$WORK/eventually"
            return 1
        fi
        sleep 0.1
    done
}

conclude() { say "expectations: $HELD held, $FAILED failed"; }
