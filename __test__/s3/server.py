"""moto's S3, which checks every signature: `server.py BUCKET COUNT SIZE` serves until its input ends.

The bucket holds COUNT photos from the beginning: `originals/<n>.jpg`, each `photo <n>`, with spaces up to SIZE bytes.
Prints one JSON object when it is ready: how it is reached.
"""

import json
import os
import sys

# Every request has to be signed; read when moto is loaded.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "0"

from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import MotoRequestHandler
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

region = "us-east-1"
bucket, count, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

iam = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
iam.create_user(region, "backup")
allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
iam.put_user_policy("backup", "all", json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))
access = iam.create_access_key("backup")

s3 = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
s3.create_bucket(bucket, region)
for nth in range(count):
    photo = (b"photo %d" % nth).ljust(size)
    s3.put_object(bucket, f"originals/{nth}.jpg", photo, disable_notification=True)

# A connection is kept for the next request, as stores keep it.
MotoRequestHandler.protocol_version = "HTTP/1.1"
MotoRequestHandler.log_request = lambda *_: None
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
_, port = server.get_host_and_port()
ready = {
    "endpoint": f"http://127.0.0.1:{port}",
    "region": region,
    "accessKeyId": access.access_key_id,
    "secretAccessKey": access.secret_access_key,
}
print(json.dumps(ready), flush=True)
sys.stdin.read()
