import { Body, Controller, Post, UsePipes, ValidationPipe } from '@nestjs/common';
import { IsInt, IsString } from 'class-validator';

export class NewOrder {
  @IsString() article!: string;
  @IsInt() count!: number;
}

/** A route of the host that uses class-validator, as most apps have. */
@Controller('orders')
export class OrdersController {
  @Post()
  @UsePipes(new ValidationPipe({ transform: true }))
  order(@Body() order: NewOrder): object {
    return { article: order.article };
  }
}
