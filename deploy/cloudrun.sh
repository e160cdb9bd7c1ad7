#!/usr/bin/env bash
# Puts `tidegate serve` on Cloud Run: /predict as a service, without rights and without a dataplane.
#
#   PROJECT=my-project REGION=europe-west1 deploy/cloudrun.sh            # --dry-run prints what it would do
#
# Builds the image with docker or podman, pushes it to Artifact Registry, keeps the API's token in Secret Manager, and
# deploys. Run it again to deploy anew. Wants gcloud, logged in, with the right to do these things.
#
#   PROJECT   Google Cloud project                                       needed
#   REGION    region of service and registry                             needed
#   SERVICE   name of the service                                        tidegate
#   REPOSITORY  of Artifact Registry; made if it is not there            tidegate
#   TAG       of the image                                               the commit, else latest
#   TOKEN_SECRET  secret in Secret Manager with the API's token; made if it is not there   tidegate-token
#   PUBLIC    1: Cloud Run lets everybody in, and the API's token keeps them out;
#             0: callers need an identity with the role run.invoker as well (they send its token in
#                X-Serverless-Authorization, the API's in Authorization)   0
#   ENGINE    docker or podman                                           whichever is there
#   BINARY    toolchain, or host for target/package/root/tidegate        toolchain
#   MEMORY, CPU, MAX_INSTANCES, CONCURRENCY                              256Mi, 1, 3, 80
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    sed -n '2,/^set -/s/^# \{0,1\}//p' "$0" >&2
    exit 64
}

DRY=0
for word in "$@"; do
    case $word in
        --dry-run) DRY=1 ;;
        *) usage ;;
    esac
done
for name in PROJECT REGION; do
    if [[ -z ${!name:-} ]]; then
        printf '%s is not set\n\n' "$name" >&2
        usage
    fi
done

SERVICE=${SERVICE:-tidegate}
REPOSITORY=${REPOSITORY:-tidegate}
TAG=${TAG:-$(git rev-parse --short HEAD 2>/dev/null || echo latest)}
TOKEN_SECRET=${TOKEN_SECRET:-tidegate-token}
PUBLIC=${PUBLIC:-0}
BINARY=${BINARY:-toolchain}
REGISTRY=$REGION-docker.pkg.dev
IMAGE=$REGISTRY/$PROJECT/$REPOSITORY/$SERVICE:$TAG
ACCOUNT=tidegate-serve@$PROJECT.iam.gserviceaccount.com

if [[ -z ${ENGINE:-} ]]; then
    if docker info >/dev/null 2>&1; then ENGINE=docker; else ENGINE=podman; fi
fi

show() {
    printf '%s' "$1"
    shift
    printf ' %q' "$@"
    printf '\n'
}

run() { # COMMAND…, or in a dry run its words, as a shell takes them
    show + "$@"
    if ((DRY == 0)); then "$@"; fi
}

there() { # COMMAND…: whether it succeeds; in a dry run nothing is there yet
    if ((DRY == 1)); then
        show '?' "$@"
        return 1
    fi
    "$@" >/dev/null 2>&1
}

log_in() {
    # A token on a command line would be seen by everybody on this machine.
    printf '+ gcloud auth print-access-token | %s login --username oauth2accesstoken --password-stdin %s\n' \
        "$ENGINE" "https://$REGISTRY"
    if ((DRY == 0)); then
        gcloud auth print-access-token |
            "$ENGINE" login --username oauth2accesstoken --password-stdin "https://$REGISTRY"
    fi
}

make_secret() {
    printf '+ openssl rand -hex 32 | gcloud secrets create %s --project %s --data-file -\n' "$TOKEN_SECRET" "$PROJECT"
    if ((DRY == 0)); then
        openssl rand -hex 32 | tr -d '\n' |
            gcloud secrets create "$TOKEN_SECRET" --project "$PROJECT" --data-file -
    fi
}

run gcloud services enable run.googleapis.com artifactregistry.googleapis.com secretmanager.googleapis.com \
    --project "$PROJECT"
if ! there gcloud artifacts repositories describe "$REPOSITORY" --project "$PROJECT" --location "$REGION"; then
    run gcloud artifacts repositories create "$REPOSITORY" --project "$PROJECT" --location "$REGION" \
        --repository-format docker
fi
if ! there gcloud secrets describe "$TOKEN_SECRET" --project "$PROJECT"; then
    make_secret
fi
# An account of its own, which may read that secret and nothing else.
if ! there gcloud iam service-accounts describe "$ACCOUNT" --project "$PROJECT"; then
    run gcloud iam service-accounts create tidegate-serve --project "$PROJECT"
fi
run gcloud secrets add-iam-policy-binding "$TOKEN_SECRET" --project "$PROJECT" \
    --member "serviceAccount:$ACCOUNT" --role roles/secretmanager.secretAccessor

run "$ENGINE" build --platform linux/amd64 --file deploy/Dockerfile --build-arg "BINARY=$BINARY" --tag "$IMAGE" .
log_in
run "$ENGINE" push "$IMAGE"

if [[ $PUBLIC == 1 ]]; then ENTRY=--allow-unauthenticated; else ENTRY=--no-allow-unauthenticated; fi
# No port is named: Cloud Run sets PORT, and `serve` listens there.
run gcloud run deploy "$SERVICE" --project "$PROJECT" --region "$REGION" --image "$IMAGE" --args serve \
    "$ENTRY" --service-account "$ACCOUNT" --set-secrets "TIDEGATE_TOKEN=$TOKEN_SECRET:latest" \
    --set-env-vars TIDEGATE_LOG_FORMAT=json \
    --memory "${MEMORY:-256Mi}" --cpu "${CPU:-1}" --max-instances "${MAX_INSTANCES:-3}" \
    --concurrency "${CONCURRENCY:-80}"
