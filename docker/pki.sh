#!/bin/sh
# pki.sh DIR NAME [ADDRESS]: a test CA and a server certificate in DIR, unless they are there already.
set -eu
dir=$1 name=$2 address=${3:-}
[ -s "$dir/server.pem" ] && exit 0
mkdir -p "$dir"
umask 077
cd "$dir"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=Viaduct test CA" \
  -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" \
  -keyout ca.key -out ca.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" -keyout server.key -out server.csr
printf 'subjectAltName=DNS:%s%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' \
  "$name" "${address:+,IP:$address}" >server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 -extfile server.ext -out leaf.pem
cat leaf.pem ca.pem >server.pem
chmod 644 ca.pem server.pem
rm -f server.csr server.ext leaf.pem
