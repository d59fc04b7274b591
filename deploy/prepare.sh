#!/bin/sh
# Make what compose.yaml needs and no repository may hold: a folder for API keys, and secrets, each for the one who
# reads it. Run it as root, once; what is there already stays as it is. For a trial it also makes a certificate that
# nobody else trusts: put your own in its place.
set -eu
cd "$(dirname "$0")"
umask 077

service=10001 database=999 proxy=101 # whom the images run as

secret() { # NAME OWNER, and the content on standard input
  [ -e "secrets/$1" ] && return
  cat > "secrets/.$1.new"
  chown "$2:$2" "secrets/.$1.new"
  chmod 400 "secrets/.$1.new"
  mv "secrets/.$1.new" "secrets/$1"
}

random() {
  head -c 32 /dev/urandom | base64
}

mkdir -p keys secrets
chown "$service:$service" keys
chmod 755 keys

random | secret gallery_key "$service"
random | secret postgres_password "$database"
random | secret database_password "$database"
printf 'database:5432:twinlens:twinlens:%s\n' "$(cat secrets/database_password)" | secret database_passfile "$service"

if ! [ -e secrets/tls_key ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout secrets/.key.pem -out secrets/.certificate.pem 2> /dev/null
  secret tls_certificate "$proxy" < secrets/.certificate.pem
  secret tls_key "$proxy" < secrets/.key.pem
  rm secrets/.key.pem secrets/.certificate.pem
fi
