import type {
  ALBHandler,
  APIGatewayProxyHandler,
  APIGatewayProxyHandlerV2,
  LambdaFunctionURLHandler,
} from 'aws-lambda'
import { createReceiver } from '@hookswitch/receiver'
import { lambdaHandler } from '@hookswitch/receiver/lambda'

const receiver = createReceiver({ secrets: 'secret', on: { '*': () => {} } })

export const rest: APIGatewayProxyHandler = lambdaHandler(receiver)
export const http: APIGatewayProxyHandlerV2 = lambdaHandler(receiver)
export const url: LambdaFunctionURLHandler = lambdaHandler(receiver)
export const balanced: ALBHandler = lambdaHandler(receiver)
