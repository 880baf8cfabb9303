#!/bin/sh
# Create, find, change, consent, audit, forget: DATABUNKER_URL and DATABUNKER_TOKEN say where and as whom.
# The access token goes to curl by a file descriptor: what stands on a command line all users of the host can see.
set -eu

call() { # METHOD PATH [BODY]; fails with the vault's answer on standard error
    method=$1 path=$2
    shift 2
    answer=$(printf 'header = "X-Bunker-Token: %s"\n' "$DATABUNKER_TOKEN" |
        curl --silent --show-error --fail-with-body --config - --request "$method" \
            --header 'Content-Type: application/json' --header 'X-Bunker-Purpose: walkthrough' \
            ${1:+--data "$1"} "${DATABUNKER_URL%/}$path") || { printf '%s\n' "$answer" >&2 && return 1; }
    printf '%s\n' "$answer"
}

member() { # NAME: the value of a member that is a text, of the JSON on standard input
    grep -oE "\"$1\":\"[^\"]+" | head -n 1 | cut -d '"' -f 4
}

email="nora-$$-$(date +%s)@example.com"

token=$(call POST /v1/user "{\"email\":\"$email\",\"name\":\"Nora\",\"city\":\"Oslo\"}" | member token)
echo "created    $token"

if call POST /v1/user "{\"email\":\"$email\"}" 2>/dev/null; then exit 1; fi

echo "found      $(call GET "/v1/user/email/$email" | member name)"

call PUT "/v1/user/token/$token" '{"city":"Bergen"}' >/dev/null
echo "changed    now in $(call GET "/v1/user/token/$token" | member city)"

# What people may be asked to agree to; made once, by whoever answers for it.
call POST /v1/lbasis/newsletter '{"shortdesc":"News by mail","basistype":"consent","usercontrol":true}' >/dev/null
call POST "/v1/agreement/newsletter/token/$token" '{"agreementmethod":"signup-form"}' >/dev/null
call DELETE "/v1/agreement/newsletter/token/$token" >/dev/null
echo "consented  and withdrew: $(call GET "/v1/agreement/newsletter/token/$token" | grep -o '"status":"no"')"

call GET "/v1/audit/list/$token?limit=3" | grep -oE '"title":"[^"]+' | cut -d '"' -f 4 | sed 's/^/event      /'

echo "forgotten  receipt $(call DELETE "/v1/user/token/$token" | member receipt)"
if call GET "/v1/user/email/$email" 2>/dev/null; then exit 1; fi
echo "gone       nobody has that address"
