"""A protoc plug-in that runs the gRPC Python generator of grpcio-tools, which buf cannot call by itself.

Reads a CodeGeneratorRequest from standard input and writes a CodeGeneratorResponse to standard output.
Source: google/protobuf/compiler/plugin.proto.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

run_protoc = cast("Callable[[Sequence[str]], int]", cast("Any", protoc).main)
"""Run protoc with a command line; returns its exit code."""


def generate(request: CodeGeneratorRequest) -> CodeGeneratorResponse:
    """Generate `_pb2_grpc.py` for the files of `request`; a failing generator becomes the response's error."""
    response = CodeGeneratorResponse(supported_features=CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL)
    with tempfile.TemporaryDirectory() as folder:
        descriptors = Path(folder, "descriptors.bin")
        descriptors.write_bytes(FileDescriptorSet(file=request.proto_file).SerializeToString())
        out = Path(folder, "out")
        out.mkdir()
        arguments = [
            "protoc",
            f"--descriptor_set_in={descriptors}",
            f"--grpc_python_out={out}",
            *request.file_to_generate,
        ]
        if run_protoc(arguments) != 0:
            response.error = "grpc_tools.protoc failed; its message is above"
            return response
        for path in sorted(out.rglob("*.py")):
            response.file.add(name=str(path.relative_to(out)), content=path.read_text())
    return response


if __name__ == "__main__":
    sys.stdout.buffer.write(generate(CodeGeneratorRequest.FromString(sys.stdin.buffer.read())).SerializeToString())
