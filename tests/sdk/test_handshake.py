# ruff: noqa: ARG002 - the signatures are the SDK's
"""What a connector says of itself, and to whom: versions, limits, spec, health, reflection, the token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field
from sdk_numbers import Numbers, NumbersSource
from towpath.connector.v1 import connector_pb2, connector_pb2_grpc
from towpath_sdk import Config, Conflict, Misconfigured, Secret, Source, Stream
from towpath_sdk.status import from_rpc
from towpath_sdk.testing import ConnectorUnderTest, connector_under_test

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def numbers() -> Iterator[ConnectorUnderTest]:
    """One connector for all questions that change nothing."""
    with connector_under_test(NumbersSource()) as connector:
        yield connector


def offer(*versions: tuple[int, int], **changes: object) -> connector_pb2.HandshakeRequest:
    """Return a handshake that offers these versions."""
    supported = [connector_pb2.ProtocolVersion(major=major, minor=minor) for major, minor in versions]
    return connector_pb2.HandshakeRequest(supported_versions=supported, **changes)  # pyright: ignore[reportArgumentType]


def handshake(
    connector: ConnectorUnderTest, request: connector_pb2.HandshakeRequest
) -> connector_pb2.HandshakeResponse:
    """Shake hands over a channel of its own."""
    with grpc.insecure_channel(connector.address) as channel:
        return connector_pb2_grpc.ConnectorServiceStub(channel).Handshake(request, timeout=10)


@pytest.mark.parametrize("minor", [0, 1, 99])
def test_handshake_chooses_the_smaller_minor(numbers: ConnectorUnderTest, minor: int) -> None:
    """A newer broker must not send what an older connector cannot read."""
    answer = handshake(numbers, offer((1, minor), (2, 5)))
    assert (answer.selected_version.major, answer.selected_version.minor) == (1, 0)


@pytest.mark.parametrize("versions", [[], [(2, 0)], [(0, 1), (3, 0)]])
def test_handshake_without_a_common_version_says_what_is_spoken(
    numbers: ConnectorUnderTest, versions: list[tuple[int, int]]
) -> None:
    """Whoever sees the refusal has to know which side to upgrade."""
    with pytest.raises(grpc.RpcError) as refused:
        handshake(numbers, offer(*versions))
    error = from_rpc(refused.value)
    assert cast("grpc.Call", refused.value).code() is grpc.StatusCode.FAILED_PRECONDITION
    assert isinstance(error, Conflict)
    assert error.reason == "UNSUPPORTED_VERSION"
    assert "1.0" in error.message


def test_handshake_repeats_itself_while_the_process_lives(numbers: ConnectorUnderTest) -> None:
    """The instance id is how a broker notices a restart; it must change with nothing else."""
    request = offer((1, 0), features=["nobody.knows.this"], client_info="test")
    first, second = handshake(numbers, request), handshake(numbers, request)
    with connector_under_test(NumbersSource()) as other:
        assert handshake(other, request).instance_id != first.instance_id
    assert first == second
    assert list(first.features) == []


def test_limits_are_the_smaller_of_both_sides() -> None:
    """Zero means no limit of one's own, never a limit of nothing."""
    with connector_under_test(NumbersSource()) as connector:
        own = connector.handshake().limits
        smaller = connector.handshake(connector_pb2.Limits(max_batch_bytes=MIB)).limits
        larger = connector.handshake(connector_pb2.Limits(max_batch_bytes=2**40, max_state_bytes=2**40)).limits
    assert own.max_batch_bytes == 1024 * MIB
    assert own.max_state_bytes == 16 * MIB
    assert own.max_message_bytes > own.max_batch_bytes
    assert (smaller.max_batch_bytes, smaller.max_state_bytes) == (MIB, own.max_state_bytes)
    assert (larger.max_batch_bytes, larger.max_state_bytes) == (own.max_batch_bytes, own.max_state_bytes)


class Tls(BaseModel):
    """A nested model, as real configurations have."""

    key: Secret | None = None
    certificate: str = ""


class Login(Config):
    """A configuration with secrets at several depths."""

    host: str = Field(description="Name or address.")
    password: Secret = Field(description="Password of the user.", min_length=3)
    tls: Tls = Tls()
    tokens: tuple[Secret, ...] = ()
    headers: dict[str, Secret] = Field(default_factory=dict[str, Secret])


class LoginSource(Source[Login]):
    """A source with all abilities."""

    splits = True
    needs_acks = True
    deterministic_replay = True
    documentation_url = "https://towpath.example/login"

    def discover(self, config: Login) -> Iterator[Stream]:
        """Nothing to read."""
        yield from ()


def test_spec_tells_identity_and_abilities(numbers: ConnectorUnderTest) -> None:
    """The server registers what the spec says, and the runtime asks for no more than that."""
    spec = numbers.spec()
    assert (spec.connector_id, spec.connector_version, spec.title) == ("io.towpath.test.numbers", "1.2.3", "Numbers")
    assert list(spec.roles) == [connector_pb2.ROLE_SOURCE]
    assert (spec.source.splits, spec.source.needs_acks, spec.source.deterministic_replay) == (False, False, False)
    assert not spec.HasField("destination")
    with connector_under_test(LoginSource()) as connector:
        able = connector.spec()
    assert (able.source.splits, able.source.needs_acks, able.source.deterministic_replay) == (True, True, True)
    assert able.title == "Login Source"
    assert able.connector_id.endswith(".login-source")


def test_spec_is_a_json_schema_that_marks_every_secret() -> None:
    """A secret that is not marked is stored in the clear and shown in answers."""
    with connector_under_test(LoginSource()) as connector:
        schema = connector.config_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    marks = {"writeOnly": True, "x-towpath-secret": True}
    properties = schema["properties"]
    key = schema["$defs"]["Tls"]["properties"]["key"]
    for secret in (
        properties["password"],
        properties["tokens"]["items"],
        properties["headers"]["additionalProperties"],
    ):
        assert {name: secret.get(name) for name in marks} == marks
    assert {name: key.get(name) for name in marks} == marks
    assert "x-towpath-secret" not in properties["host"]
    assert properties["password"]["description"] == "Password of the user."
    assert schema["required"] == ["host", "password"]


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        ({}, {"host": "Field required", "password": "Field required"}),
        ({"host": "h", "password": "secret-1", "prot": 1}, {"prot": "Extra inputs are not permitted"}),
        ({"host": 5, "password": "secret-1"}, {"host": "Input should be a valid string"}),
        (
            {"host": "h", "password": "secret-1", "tls": {"certificate": 5}},
            {"tls.certificate": "Input should be a valid string"},
        ),
        ({"host": "h", "password": "secret-1", "tokens": ["a", 7]}, {"tokens[1]": "Input should be a valid string"}),
    ],
)
def test_configuration_that_does_not_match_names_its_fields(config: dict[str, object], fields: dict[str, str]) -> None:
    """A form can put the message beside the field only if the path is right."""
    with connector_under_test(LoginSource()) as connector, pytest.raises(Misconfigured) as refused:
        connector.check(config)
    assert refused.value.fields == fields
    assert refused.value.reason == "INVALID_CONFIG"
    assert "secret-1" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "5", '"x"', '{"count": 3'])
def test_configuration_that_is_no_json_object_is_the_users_problem(numbers: ConnectorUnderTest, text: str) -> None:
    """A file that was cut short must not look like a bug of the connector."""
    with pytest.raises(Misconfigured) as refused:
        numbers.check(text)
    assert refused.value.reason == "INVALID_CONFIG"


def test_large_integers_survive_the_configuration(numbers: ConnectorUnderTest) -> None:
    """Configurations travel as text because a number above 2^53 would change in a protobuf Struct."""
    (stream,) = numbers.discover(Numbers(count=2**53 + 1))
    assert stream.estimated_rows == 2**53 + 1


def test_calls_without_the_token_are_unauthenticated() -> None:
    """On a shared machine another user's process must not read with this connector's credentials."""
    with connector_under_test(NumbersSource(), token="right-token") as connector:
        assert connector.spec().connector_version == "1.2.3"
        for metadata in ((), (("authorization", "Bearer wrong"),), (("authorization", "right-token"),)):
            with grpc.insecure_channel(connector.address) as channel:
                stub = connector_pb2_grpc.ConnectorServiceStub(channel)
                with pytest.raises(grpc.RpcError) as refused:
                    stub.Spec(connector_pb2.SpecRequest(), timeout=10, metadata=metadata)
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("method", ["SourceService/Read", "ConnectorService/Discover", "Nobody/Knows"])
def test_streams_without_the_token_are_unauthenticated_too(method: str) -> None:
    """An interceptor that guards unary calls only would leave the data open."""
    with (
        connector_under_test(NumbersSource(), token="right-token") as connector,
        grpc.insecure_channel(connector.address) as channel,
    ):
        call = channel.stream_stream(f"/towpath.connector.v1.{method}")
        with pytest.raises(grpc.RpcError) as refused:
            list(call(iter([b""]), timeout=10))
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_health_needs_no_token() -> None:
    """A launcher probes readiness before it has handed the token to anyone."""
    with (
        connector_under_test(NumbersSource(), token="right-token") as connector,
        grpc.insecure_channel(connector.address) as channel,
    ):
        health = cast("Any", health_pb2_grpc.HealthStub(channel))
        answers = [
            health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status
            for service in ("", "towpath.connector.v1.ConnectorService", "towpath.connector.v1.SourceService")
        ]
    assert answers == [health_pb2.HealthCheckResponse.SERVING] * 3


def test_reflection_lists_the_services(numbers: ConnectorUnderTest) -> None:
    """Grpcurl without the protos is how an operator looks into a connector."""
    with grpc.insecure_channel(numbers.address) as channel:
        services = set(ProtoReflectionDescriptorDatabase(channel).get_services())
    assert {"towpath.connector.v1.ConnectorService", "towpath.connector.v1.SourceService"} <= services
    assert "grpc.health.v1.Health" in services
    assert "towpath.connector.v1.DestinationService" not in services
