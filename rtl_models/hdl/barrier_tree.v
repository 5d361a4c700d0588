// One tree of the barrier: adds up the balances of its leaves, level by level, and hands the token down the same
// number of levels. Every level takes LEVEL_CYCLES each way (see barrier.md).
module barrier_tree #(
    parameter LEAVES = 16,
    parameter ARITY = 4,
    parameter LEVEL_CYCLES = 2,
    parameter WIDTH = 24
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire [LEAVES*WIDTH-1:0] balance,
    output wire [       WIDTH-1:0] total,
    input  wire                    token,
    output wire                    token_at_leaves
);
    // nodes of a level, and levels above the leaves
    function integer nodes(input integer level);
        integer i;
        begin
            nodes = LEAVES;
            for (i = 0; i < level; i = i + 1) nodes = (nodes + ARITY - 1) / ARITY;
        end
    endfunction
    function integer height(input integer unused_argument);
        integer reach;
        begin
            height = unused_argument;
            reach = 1;
            while (reach < LEAVES) begin
                reach = reach * ARITY;
                height = height + 1;
            end
        end
    endfunction
    localparam LEVELS = height(0);

    genvar l, n;
    generate
        for (l = 0; l <= LEVELS; l = l + 1) begin : level
            wire [nodes(l)*WIDTH-1:0] sums;
            if (l == 0) begin : leaves
                assign sums = balance;
            end else begin : inner
                for (n = 0; n < nodes(l); n = n + 1) begin : node
                    localparam LEFT = nodes(l - 1) - n * ARITY;
                    localparam CHILDREN = LEFT < ARITY ? LEFT : ARITY;
                    reg [WIDTH-1:0] sum;
                    integer c;
                    always @* begin
                        sum = {WIDTH{1'b0}};
                        for (c = 0; c < CHILDREN; c = c + 1)
                            sum = sum + level[l-1].sums[(n*ARITY+c)*WIDTH+:WIDTH];
                    end
                    delay_line #(
                        .WIDTH(WIDTH), .CYCLES(LEVEL_CYCLES)
                    ) up (
                        .clk(clk), .rst(rst), .in(sum), .out(sums[n*WIDTH+:WIDTH])
                    );
                end
            end
        end
    endgenerate
    assign total = level[LEVELS].sums;
    delay_line #(
        .WIDTH(1), .CYCLES(LEVELS * LEVEL_CYCLES)
    ) down (
        .clk(clk), .rst(rst), .in(token), .out(token_at_leaves)
    );
endmodule
