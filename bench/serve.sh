#!/usr/bin/env bash
# nginx (Debian: nginx-light, for a delay also libnginx-mod-http-echo) serves the pages of pages.py as GitHub would.
#
# Usage: serve.sh FOLDER PORT PAGES [DELAY_SECONDS]     prints nginx's process id; end it with `kill ID`
#
# GET /repos/acme/widgets/issues?page=N answers with page N of PAGES and GitHub's Link header (next, last).
set -euo pipefail
folder=$(realpath "$1") port=$2 pages=$3 delay=${4:-0}
state=$(mktemp -d)
url=http://127.0.0.1:$port/repos/acme/widgets/issues

{
  [[ $delay == 0 ]] || echo 'load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;'
  cat <<CONFIGURATION
worker_processes 1; pid $state/pid; error_log $state/error.log; events { worker_connections 1024; }
http {
  access_log off; default_type application/json; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_body_temp_path $state/body; proxy_temp_path $state/proxy; fastcgi_temp_path $state/fastcgi;
  uwsgi_temp_path $state/uwsgi; scgi_temp_path $state/scgi;
  map_hash_max_size 262144; map_hash_bucket_size 256;
  map \$arg_page \$page { default \$arg_page; "" 1; }
  map \$arg_page \$link {
    "" '<$url?page=2>; rel="next", <$url?page=$pages>; rel="last"';
CONFIGURATION
  for ((page = 1; page < pages; page++)); do
    echo "    $page '<$url?page=$((page + 1))>; rel=\"next\", <$url?page=$pages>; rel=\"last\"';"
  done
  echo "    default ''; }"
  echo "  server { listen 127.0.0.1:$port; root $folder; add_header Link \$link;"
  if [[ $delay == 0 ]]; then
    echo '    location = /repos/acme/widgets/issues { try_files /page-$page.json =404; }'
  else
    echo "    location = /repos/acme/widgets/issues { echo_sleep $delay; echo_exec /page\$is_args\$args; }"
    echo '    location = /page { try_files /page-$page.json =404; }'
  fi
  echo '  }'
  echo '}'
} > "$state/nginx.conf"

nginx -c "$state/nginx.conf" 2> /dev/null || { nginx -t -c "$state/nginx.conf" >&2; exit 1; }
cat "$state/pid"
