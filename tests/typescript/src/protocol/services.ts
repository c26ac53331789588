// gRPC service definitions for @grpc/grpc-js, made from the generated descriptors.
import {
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type Message,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { GenService } from "@bufbuild/protobuf/codegenv2";
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
  Server,
} from "@grpc/grpc-js";

type Shape = Record<string, Pick<DescMethod, "methodKind"> & { input: DescMessage; output: DescMessage }>;

type Handler<M extends Shape[string]> = M["methodKind"] extends "unary"
  ? handleUnaryCall<MessageShape<M["input"]>, MessageShape<M["output"]>>
  : M["methodKind"] extends "server_streaming"
    ? handleServerStreamingCall<MessageShape<M["input"]>, MessageShape<M["output"]>>
    : handleBidiStreamingCall<MessageShape<M["input"]>, MessageShape<M["output"]>>;

/** One handler for each method of a service, typed by the proto. */
export type Handlers<S> = S extends GenService<infer T extends Shape> ? { [K in keyof T]: Handler<T[K]> } : never;

/** Serve a service. Methods without a handler answer UNIMPLEMENTED. */
export function addService<S extends DescService>(server: Server, service: S, handlers: Partial<Handlers<S>>): void {
  const definition: Record<string, MethodDefinition<Message, Message>> = {};
  for (const method of service.methods) {
    definition[method.localName] = {
      path: `/${service.typeName}/${method.name}`,
      requestStream: method.methodKind === "bidi_streaming" || method.methodKind === "client_streaming",
      responseStream: method.methodKind === "bidi_streaming" || method.methodKind === "server_streaming",
      requestSerialize: (message) => Buffer.from(toBinary(method.input, message)),
      requestDeserialize: (bytes: Buffer) => fromBinary(method.input, bytes),
      responseSerialize: (message) => asBuffer(toBinary(method.output, message)),
      responseDeserialize: (bytes: Buffer) => fromBinary(method.output, bytes),
    };
  }
  server.addService(definition, handlers as never);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
