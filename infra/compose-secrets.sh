#!/bin/sh
# Makes the secrets of compose.yaml in infra/secrets, each in a file of its own: random, and only those that are missing.
#
#   sudo sh infra/compose-secrets.sh            # BROKER=rabbitmq: the broker's address is RabbitMQ's
#
# The folder is closed to others; the files in it are read by users of containers (PostgreSQL 999, fabroute 10001, …).
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
chmod 0700 secrets
cd secrets

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
keep() { # NAME: what is read is written to it, unless it is there
  if [ -e "$1" ]; then cat >/dev/null; else cat >"$1.new" && mv "$1.new" "$1"; fi
  chmod 0444 "$1"
}

random | keep postgres_password
random | keep postgres_owner_password
random | keep postgres_app_password
random | keep redis_password
random | keep rabbitmq_password
random | keep objects_user
random | keep objects_password
random | keep grafana_password

printf 'postgresql://app_rw:%s@postgres:5432/fabroute' "$(cat postgres_app_password)" | keep fabroute_database_url
printf 'postgresql://fabroute_owner:%s@postgres:5432/fabroute' "$(cat postgres_owner_password)" \
  | keep fabroute_migration_database_url
case "${BROKER:-redis}" in
  rabbitmq) printf 'amqp://fabroute:%s@rabbitmq:5672//' "$(cat rabbitmq_password)" | keep fabroute_broker_url ;;
  *) printf 'redis://:%s@redis:6379/0' "$(cat redis_password)" | keep fabroute_broker_url ;;
esac
keep fabroute_storage_access_key_id <objects_user
keep fabroute_storage_secret_access_key <objects_password

printf 'user default on >%s ~* &* +@all\n' "$(cat redis_password)" | keep redis.acl
printf 'default_user = fabroute\ndefault_pass = %s\ndefault_queue_type = quorum\n' "$(cat rabbitmq_password)" \
  | keep rabbitmq.conf

# The installation's two keys: nobody but fabroute may read them (back them up).
[ -e signing-key.pem ] || openssl genpkey -algorithm ed25519 -out signing-key.pem
[ -e secret-key ] || head -c 32 /dev/urandom | base64 >secret-key
chmod 0400 signing-key.pem secret-key
if [ "$(id -u)" = 0 ]; then
  chown 10001:10001 signing-key.pem secret-key
else
  echo "run this as root, or: sudo chown 10001:10001 $(pwd)/signing-key.pem $(pwd)/secret-key" >&2
fi
