"""A server and a client of gRPC, over the library that gRPC's own project makes.

`serve` says where it listens, and of calls that are to be watched how long they had and that they ended. `call ADDRESS SECRET` makes
one call of each kind and prints what came of each as a line of JSON; `watch ADDRESS SECRET` prints each message of a call that
does not end, and how it ended. With a file of certificates behind it they speak TLS.
"""

import concurrent.futures
import json
import sys
import threading
import time

import grpc

SAME = {"request_deserializer": bytes, "response_serializer": bytes}


def server_stream(request, context):
    for number in range(int(request)):
        yield b"%d" % number


def told_of(name, context):
    """Prints once a call is over, however it ends, and how long it had when it began; nothing is as long as it likes."""
    left = context.time_remaining()
    over = threading.Event()
    context.add_callback(lambda: (print(json.dumps({"over": name, "left": left}), flush=True), over.set()))
    return over


def endless(request, context):
    number = 0
    if request == b"told":
        told_of("leaves", context)
    while context.is_active():
        yield b"%d" % number
        number += 1
        time.sleep(0.02)


def unary(request, context):
    told = dict(context.invocation_metadata())
    context.set_trailing_metadata((("x-told", told.get("x-tollgate-owner", "nobody")),))
    if "authorization" in told:
        context.abort(grpc.StatusCode.INTERNAL, "the secret came through")
    if request == b"fail":
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "as asked, with \u00fcmlaut")
    if request == b"slow":
        told_of("late", context).wait(15)
    return request


class Calls(grpc.GenericRpcHandler):
    def service(self, call):
        return {
            "/test.Echo/Unary": grpc.unary_unary_rpc_method_handler(unary, **SAME),
            "/test.Echo/Down": grpc.unary_stream_rpc_method_handler(server_stream, **SAME),
            "/test.Echo/Up": grpc.stream_unary_rpc_method_handler(
                lambda requests, context: b"%d" % sum(len(one) for one in requests), **SAME),
            "/test.Echo/Both": grpc.stream_stream_rpc_method_handler(
                lambda requests, context: (one.upper() for one in requests), **SAME),
            "/test.Echo/Endless": grpc.unary_stream_rpc_method_handler(endless, **SAME),
        }.get(call.method)


def serve():
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=16))
    server.add_generic_rpc_handlers((Calls(),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    server.wait_for_termination()


def told(error):
    return {"code": error.code().name, "details": error.details()}


def attempt(name, act):
    try:
        result = act()
    except grpc.RpcError as error:
        result = told(error)
    print(json.dumps({name: result}), flush=True)


def client(address, secret, roots=None):
    if roots is None:
        channel = grpc.insecure_channel(address)
    else:
        with open(roots, "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
        channel = grpc.secure_channel(address, credentials, [("grpc.ssl_target_name_override", "a.example")])
    return channel, {"metadata": (("authorization", f"Bearer {secret}"),), "timeout": 20}


def call(address, secret, *roots):
    channel, more = client(address, secret, *roots)
    unary = channel.unary_unary("/test.Echo/Unary")

    def with_trailers():
        answer, done = unary.with_call(b"hello", **more)
        return [answer.decode(), dict(done.trailing_metadata()).get("x-told")]

    def both():
        return [one.decode() for one in channel.stream_stream("/test.Echo/Both")(iter([b"a", b"b" * 70_000]), **more)]

    def leaves():
        stream = channel.unary_stream("/test.Echo/Endless")(b"told", **more)
        first = next(stream).decode()
        stream.cancel()
        return first

    attempt("unary", with_trailers)
    attempt("long", lambda: len(unary(b"x" * 3_000_000, **more)))
    attempt("down", lambda: [one.decode() for one in channel.unary_stream("/test.Echo/Down")(b"4", **more)])
    attempt("up", lambda: channel.stream_unary("/test.Echo/Up")(iter([b"x" * 100_000] * 10), **more).decode())
    attempt("both", lambda: [one[:3] for one in both()])
    attempt("fails", lambda: unary(b"fail", **more).decode())
    attempt("late", lambda: unary(b"slow", **{**more, "timeout": 0.3}).decode())
    attempt("leaves", leaves)
    attempt("unknown", lambda: channel.unary_unary("/test.Echo/Nothing")(b"", **more).decode())


def watch(address, secret, *roots):
    channel, more = client(address, secret, *roots)
    try:
        for one in channel.unary_stream("/test.Echo/Endless")(b"", **{**more, "timeout": None}):
            print(one.decode(), flush=True)
    except grpc.RpcError as error:
        print(json.dumps(told(error)), flush=True)


{"serve": serve, "call": call, "watch": watch}[sys.argv[1]](*sys.argv[2:])
